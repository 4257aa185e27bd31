"""Packages for arm64 from Debian (or Ubuntu) and PyPI, unpacked into a folder, not installed."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from devices.cortex_a72.programs import run_program
from gensynth.errors import InputError

LIBRARIES = ("libc6", "libstdc++6", "libgcc-s1", "zlib1g", "libexpat1")
MANYLINUX = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")


def debian_root(folder: Path, root: Path) -> str:
    """Unpack the C library and Python for arm64 below `root`; return Python's version, as `3.11`.

    apt runs in `folder` with the sources of this machine but none of its state, so nothing is
    installed and no privileges are needed.
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
    # A source without arm64 fails here, which does no harm if another one has the packages.
    run_program(["apt-get", *options, "update"], folder, check=False)
    found = run_program(["apt-cache", *options, "depends", "python3-minimal"], folder)
    python = re.search(r"\bpython(3\.\d+)-minimal\b", found)
    if python is None:
        problem = "apt has no python3-minimal for arm64; add arm64 packages to its sources"
        raise InputError("apt", problem)
    version = python[1]
    wanted = (*LIBRARIES, f"python{version}-minimal", f"libpython{version}-minimal")
    run_program(["apt-get", *options, "download", *wanted], folder / "debs")
    for package in sorted((folder / "debs").glob("*.deb")):
        run_program(["dpkg", "-x", str(package), str(root)], folder)
    return version


def wheel(name: str, version: str, platforms: Sequence[str], python: str, folder: Path) -> None:
    """Unpack a wheel from PyPI into `folder`, for Python version `python`, as `3.11`."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--quiet", f"--python-version={python}"]
    command += [f"--platform={platform}" for platform in platforms]
    folder.mkdir(parents=True)
    run_program([*command, f"{name}=={version}"], folder)
    (file,) = folder.glob("*.whl")
    try:
        with ZipFile(file) as archive:
            archive.extractall(folder)
    except BadZipFile:
        raise InputError(file.name, "is not a wheel; the download was cut off") from None
    file.unlink()


def platforms(machine: str) -> list[str]:
    """Return the platform tags of wheels that run on Linux on this kind of processor."""
    return [f"{libc}_{machine}" for libc in MANYLINUX]
