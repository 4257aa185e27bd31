"""Plugins: which are installed, where they come from, and which failed to load."""

from gensynth.plugins import Listed, listed


def installed_plugins() -> list[Listed]:
    """Import every installed plugin and return what it is, or why it failed to load.

    >>> import gensynth
    >>> [row.origin.split()[0] for row in gensynth.installed_plugins() if row.name == "columnar"]
    ['gensynth']
    """
    return listed()
