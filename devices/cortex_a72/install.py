"""`gensynth device setup cortex-a72`: installs the emulation in one folder and tries it."""

import platform
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from devices.cortex_a72.emulator import Files, emulate
from devices.cortex_a72.packages import debian_root, platforms, wheel
from devices.cortex_a72.parts import (
    DEVICE,
    NCNN,
    PNNX,
    PREPARED,
    QEMU,
    Parts,
    find_parts,
    impossible,
    source,
)
from devices.cortex_a72.programs import run_program
from gensynth.errors import InputError

PROGRAMS = {
    QEMU: "qemu-user",
    "cc": "gcc",
    "apt-get": "apt",
    "dpkg": "dpkg",
    "setarch": "util-linux",
}
"""Programs that must be installed already, and the Debian packages that contain them."""
QEMU_VERSIONS = range(6, 9)
"""Major versions of QEMU whose plugin interface the plugin supports."""
TRIAL = """7767517
2 2
Input in0 0 1 in0
Convolution conv 1 1 in0 out0 0=8 1=3 4=1 5=1 6=216
"""
"""A network of one convolution, 3 -> 8 channels."""

Say = Callable[[str], None]


def install(say: Say) -> Parts:
    """Install the emulation unless it is ready; `say` receives a line for each step.

    Everything is built and tried in a temporary folder, which is renamed in the last step, so an
    interrupted run leaves nothing incomplete. Raises `InputError` with what must be installed.
    """
    problem = impossible()
    if problem:
        raise InputError(DEVICE, problem)
    check_programs()
    wanted = find_parts()
    try:
        wanted.folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{wanted.folder}.lock"):
            if wanted.complete:
                say(f"already installed: {wanted.folder}")
                check_runs(wanted)
                return wanted
            with _beside(wanted.folder) as folder:
                _make(Parts(folder), say)
                shutil.rmtree(wanted.folder, ignore_errors=True)
                folder.rename(wanted.folder)
    except OSError as error:
        raise InputError(str(wanted.folder), f"cannot be written ({error.strerror})") from None
    say(f"installed: {wanted.folder}")
    return wanted


def check_programs() -> None:
    """Raise `InputError` with one command that installs all missing programs."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        packages = " ".join(dict.fromkeys(PROGRAMS[name] for name in missing))
        problem = f"{', '.join(missing)} missing: apt-get install {packages}"
        raise InputError(DEVICE, problem)
    text = run_program([QEMU, "--version"], Path.cwd())
    version = re.search(r"version (\d+)", text)
    if version is None or int(version[1]) not in QEMU_VERSIONS:
        problem = f"{QEMU} is {text.splitlines()[0] if text else 'unknown'}; the plugin needs "
        raise InputError(DEVICE, f"{problem}QEMU 6 to 8 (Debian 12 and Ubuntu 24.04 have it)")


def check_runs(parts: Parts) -> None:
    """Run a convolution in the emulator; `InputError` if its output or count is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        param, weights = Path(folder, "trial.param"), Path(folder, "trial.bin")
        param.write_text(TRIAL, encoding="ascii")
        ones = _floats(1.0, 216)
        weights.write_bytes(bytes(4) + ones + bytes(4 * 8))
        network = Files(param, weights, "in0", "out0")
        emulated = emulate(network, _floats(1.0, 3 * 16 * 16), (3, 16, 16), (), parts)
    middle = emulated.output[4 * (5 * 16 + 5) : 4 * (5 * 16 + 5) + 4]
    if middle != _floats(27.0, 1) or not 1e3 < emulated.counts.instructions < 1e6:
        raise InputError(DEVICE, f"the emulator gives wrong results: remove {parts.folder}")


def _make(parts: Parts, say: Say) -> None:
    say("Debian packages for arm64: C library, Python")
    version = debian_root(parts.folder / "apt", parts.root)
    say(f"ncnn {NCNN} for arm64, from PyPI")
    wheel("ncnn", NCNN, platforms("aarch64"), version, parts.folder / "ncnn")
    say(f"pnnx {PNNX}, from PyPI")
    wheel("pnnx", PNNX, platforms(platform.machine()), version, parts.folder / "pnnx")
    parts.pnnx.chmod(0o755)
    say("the plugin, compiled here")
    code = parts.folder / "a72.c"
    code.write_bytes(source())
    flags = ["-O2", "-shared", "-fPIC", "-fvisibility=hidden"]
    run_program(["cc", *flags, "-o", str(parts.plugin), str(code)], parts.folder)
    say("a test run: one convolution")
    check_runs(parts)
    shutil.rmtree(parts.folder / "apt")
    (parts.folder / PREPARED).touch()


def _floats(value: float, count: int) -> bytes:
    from array import array

    return array("f", [value] * count).tobytes()


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """Yield a new folder on the same file system, and remove what is left of it."""
    made = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
