"""Handing an exported network on, with a model card."""

from pathlib import Path

from gensynth.exports.pushing import HUB, push_folder, push_to_hub


def push(source: str | Path, to: str | Path, private: bool = False) -> str:
    r"""Hand an exported network on: its files, and a model card with its metrics as README.md.

    Args:
        source: an exported folder, or that of a campaign or a training, whose export counts.
        to: a new folder, or `hf:OWNER/NAME`, a repository of the Hugging Face hub.
        private: whether a new repository is private.

    Returns:
        The folder, or the address of the repository.

    Raises:
        InputError: `source` is no export, `to` cannot be written, or the hub refuses.

    >>> import gensynth
    >>> gensynth.push("runs/mine", "for_others")
    'for_others'
    >>> open("for_others/README.md").readline()
    '---\n'
    """
    if str(to).startswith(HUB):
        return push_to_hub(Path(source), str(to).removeprefix(HUB), private)
    return str(push_folder(Path(source), Path(to)))
