"""Export an exported network once more, with its own weights, in other formats."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from gensynth.exports.agreement import FORMATS, Agreement, Extras, add_formats, formats_section
from gensynth.exports.export_folder import CARD, draft_of, move
from gensynth.exports.hub_files import Images, read_images
from gensynth.exports.predict_files import write_predict_onnx
from gensynth.formats import Format
from gensynth.formats.real_inputs import RealInputs
from gensynth.models.exported import EXPORTED_WEIGHTS, PREDICT_ONNX
from gensynth.models.opened_export import open_export


def publish_again(
    exported: Path, folder: Path, formats: Sequence[Format], inputs: RealInputs
) -> Sequence[Agreement]:
    """Copy an exported network to a new folder, and write it in other formats there.

    Formats of the first export are not copied.

    Args:
        exported: the exported folder; its code is run.
        folder: the folder to write; it must not exist.
        formats: the other formats to write.
        inputs: the images on which they are compared.

    Raises:
        InputError: `folder` exists or cannot be written, or `exported` is not an export.
    """
    network = open_export(exported)
    with draft_of(folder) as draft:
        for file in sorted(exported.iterdir()):
            of_a_format = file.stem.startswith("model") or file.name == PREDICT_ONNX
            if file.is_file() and (file.name == EXPORTED_WEIGHTS or not of_a_format):
                shutil.copyfile(file, draft / file.name)
        images = read_images(exported) or Images.of(network, inputs.shape)
        agreements = add_formats(Extras(formats, inputs), network, draft, images.metadata)
        write_predict_onnx(draft, images.preprocessing)
        _write_agreements(draft / CARD, agreements)
        move(draft, folder)
    return agreements


def _write_agreements(card: Path, agreements: Sequence[Agreement]) -> None:
    """Replace what a card says of formats; it is about those of the first export."""
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    text = text.partition(f"\n{FORMATS}\n")[0]
    card.write_text(text + (formats_section(agreements) if agreements else ""), encoding="utf-8")
