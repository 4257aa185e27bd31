"""`gensynth device setup`: prepare a device that latency is measured on."""

from typing import Annotated

import typer

import gensynth

device = typer.Typer(no_args_is_help=True, help="Devices that latency is measured on.")


@device.callback()
def _device() -> None:
    """Devices that latency is measured on."""


@device.command()
def setup(
    name: Annotated[
        str, typer.Argument(metavar="DEVICE", help="An installed device, or module:class.")
    ],
) -> None:
    """Prepare a device and try it. Run again, it only tries what is there.

    cortex-a72 takes packages of Debian and PyPI into the cache folder
    ($GENSYNTH_CACHE or ~/.cache/gensynth) and builds a counter; nothing is
    installed. cortex-m4 checks that firmware can be built and run in QEMU.
    """
    gensynth.setup_device(name, typer.echo)
