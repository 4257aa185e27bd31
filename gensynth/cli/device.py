"""`gensynth device setup`: prepare a machine that is not here, to be measured in emulation."""

from typing import Annotated

import typer

from gensynth.errors import unknown

device = typer.Typer(no_args_is_help=True, help="Machines that are measured in emulation.")


@device.callback()
def _device() -> None:
    """Machines that are measured in emulation."""


@device.command()
def setup(
    name: Annotated[str, typer.Argument(metavar="DEVICE", help="cortex-a72.")],
) -> None:
    """Prepare a device: fetch its parts, build the plugin, and try it.

    Takes packages of Debian and PyPI into the cache folder ($GENSYNTH_CACHE or
    ~/.cache/gensynth); nothing is installed. Again, it only tries what is there.
    """
    from devices.cortex_a72.install import install
    from devices.cortex_a72.place import DEVICE

    if name != DEVICE:
        raise unknown("device setup", "device", name, [DEVICE])
    install(typer.echo)
