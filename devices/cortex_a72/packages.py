"""Packages for arm64 from Debian (or Ubuntu) and PyPI, unpacked into a folder, not installed."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from gensynth.errors import InputError

LIBRARIES = ("libc6", "libstdc++6", "libgcc-s1", "zlib1g", "libexpat1")
PATIENCE_S = 900.0
MANYLINUX = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")


def debian_root(folder: Path, root: Path) -> str:
    """Unpack C library and Python for arm64 below `root`; return Python's version, as `3.11`.

    apt works in `folder`, with the machine's own sources and none of its state: nothing is
    installed and no privilege is needed.
    """
    for part in ("lists/partial", "archives/partial", "debs"):
        (folder / part).mkdir(parents=True)
    (folder / "status").touch()
    settings = {
        "Dir::State": folder,
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder,
        "APT::Architecture": "arm64",
        "APT::Architectures::": "arm64",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
    }
    options = [f"-o{key}={value}" for key, value in settings.items()]
    # A source without arm64 fails here, which is no harm unless it has the packages.
    run(["apt-get", *options, "update"], folder, check=False)
    found = run(["apt-cache", *options, "depends", "python3-minimal"], folder)
    python = re.search(r"\bpython(3\.\d+)-minimal\b", found)
    if python is None:
        problem = "apt knows no python3-minimal for arm64: its sources have no packages of arm64"
        raise InputError("apt", problem)
    version = python[1]
    wanted = (*LIBRARIES, f"python{version}-minimal", f"libpython{version}-minimal")
    run(["apt-get", *options, "download", *wanted], folder / "debs")
    for package in sorted((folder / "debs").glob("*.deb")):
        run(["dpkg", "-x", str(package), str(root)], folder)
    return version


def wheel(name: str, version: str, platforms: Sequence[str], python: str, folder: Path) -> None:
    """Unpack a wheel of PyPI into `folder`; `python` is the version that it is for, as `3.11`."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--quiet", f"--python-version={python}"]
    command += [f"--platform={platform}" for platform in platforms]
    folder.mkdir(parents=True)
    run([*command, f"{name}=={version}"], folder)
    (file,) = folder.glob("*.whl")
    try:
        with ZipFile(file) as archive:
            archive.extractall(folder)
    except BadZipFile:
        raise InputError(file.name, "is no wheel: the download was cut off") from None
    file.unlink()


def platforms(machine: str) -> list[str]:
    """List the platforms whose wheels run on Linux on this kind of processor."""
    return [f"{libc}_{machine}" for libc in MANYLINUX]


def run(command: Sequence[str], folder: Path, check: bool = True) -> str:
    """Run a program and return its output; `InputError` with its last message if it fails."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE_S,
        )
    except subprocess.TimeoutExpired:
        problem = f"did not end within {PATIENCE_S:g} s"
        raise InputError(Path(command[0]).name, problem) from None
    except OSError as error:
        raise InputError(Path(command[0]).name, f"cannot be run ({error.strerror})") from None
    if check and done.returncode != 0:
        raise InputError(Path(command[0]).name, _last_words(done.stderr or done.stdout))
    return done.stdout


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if re.match(r"(E:|ERROR|error)", line)] or lines[-1:]
    return told[0][:300] if told else "failed without a word"
