"""Handing an exported network on: to a folder, or to a repository of the Hugging Face hub."""

import shutil
import tempfile
from pathlib import Path

from gensynth.errors import InputError, install, nearest_path
from gensynth.exports.model_card import model_card
from gensynth.models.exported import export_in

HUB = "hf:"
"""Prefix of a repository of the hub."""
README = "README.md"


def push_folder(source: Path, to: Path) -> Path:
    """Copy an export to the new folder `to`, with a model card as its README.md.

    Raises:
        InputError: `source` is no export, or `to` exists or cannot be written.
    """
    export = _export(source)
    card = model_card(export)
    if to.exists():
        raise InputError(str(to), "exists already; name another folder")
    try:
        shutil.copytree(export, to, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        (to / README).write_text(card, encoding="utf-8")
    except OSError as error:
        raise InputError(str(to), f"cannot be written ({error.strerror})") from None
    return to


def push_to_hub(source: Path, repository: str, private: bool = False) -> str:
    """Upload an export with its model card to the repository `OWNER/NAME` of the hub.

    The repository is made if there is none. Returns its address.

    Raises:
        InputError: `source` is no export, the package is missing, or the hub refuses.
    """
    try:
        from huggingface_hub import HfApi
    except ImportError:
        raise InputError("to", f"huggingface_hub is missing: {install('hub')}") from None
    if repository.count("/") != 1 or not all(repository.split("/")):
        raise InputError("to", f"expected hf:OWNER/NAME, got hf:{repository}")
    with tempfile.TemporaryDirectory() as scratch:
        folder, hub = push_folder(source, Path(scratch, "export")), HfApi()
        try:
            address = hub.create_repo(repository, private=private, exist_ok=True)
            hub.upload_folder(repo_id=repository, folder_path=folder)
        except Exception as error:  # What the hub and the network raise has no common class.
            problem = f"the hub refuses: {error}; `hf auth login` signs you in"
            raise InputError(f"{HUB}{repository}", problem) from None
    return str(address)


def _export(source: Path) -> Path:
    export = export_in(source)
    if export is None:
        problem = "is neither an exported folder nor a campaign that has exported a network"
        raise InputError(str(source), problem + nearest_path(source))
    return export
