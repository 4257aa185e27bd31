"""The model card of an exported network, as the Hugging Face hub reads it: metadata, then words."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gensynth.errors import InputError
from gensynth.models.exported import CONFIG
from gensynth.prediction.evaluation import Evaluation, read_evaluation
from gensynth.serialization import loads

CARD = "card.md"
TAGS = ("image-classification", "pytorch", "tiny", "neural-architecture-search", "gensynth")


def model_card(folder: Path) -> str:
    """Return the README.md of an exported folder: its metadata as YAML, and its card.

    The metrics are those of the test split that the export was measured on.

    Raises:
        InputError: the folder has no card, or a file of it is damaged.
    """
    file = folder / CARD
    if not file.is_file():
        raise InputError(str(folder), f"has no {CARD}; export the network with gensynth export")
    try:
        words = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(file), f"cannot be read ({error})") from None
    return "\n".join(["---", *_yaml(_metadata(folder)), "---", "", words.rstrip(), ""])


def _metadata(folder: Path) -> Mapping[str, Any]:
    name = str(_json(folder / CONFIG).get("architecture") or folder.resolve().name)
    facts = {"library_name": "pytorch", "pipeline_tag": "image-classification", "tags": TAGS}
    found = read_evaluation(folder)
    results = [] if found is None else [_result(found)]
    return {**facts, "model-index": [{"name": name, "results": results}]}


def _result(found: Evaluation) -> Mapping[str, Any]:
    """Return the metrics as shares from 0 to 1, as the hub's own are."""
    metrics = {"accuracy": found.top1, "balanced_accuracy": found.balanced_accuracy}
    data = found.data.removeprefix("test images of ")
    return {
        "task": {"type": "image-classification", "name": "Image classification"},
        "dataset": {"type": data, "name": data, "split": "test"},
        "metrics": [
            {"type": name, "value": round(value / 100, 6), "name": name.replace("_", " ")}
            for name, value in metrics.items()
        ],
    }


def _json(file: Path) -> Mapping[str, Any]:
    if not file.is_file():
        return {}
    try:
        plain = loads(file.read_bytes(), str(file))
    except OSError as error:
        raise InputError(str(file), f"cannot be read ({error.strerror})") from None
    if not isinstance(plain, dict):
        raise InputError(str(file), "is not a file of an export")
    return plain


def _yaml(data: Mapping[str, Any]) -> Iterator[str]:
    """Write each key on a line; a JSON value is a YAML value, too."""
    for key, value in data.items():
        yield f"{key}: {json.dumps(value, ensure_ascii=False)}"
