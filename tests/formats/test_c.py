"""The C project: its memory, its words, and the firmware in an emulated Cortex-M4."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import gensynth
from gensynth.data.open import digits
from gensynth.errors import InputError
from gensynth.formats import Deployment, formats
from gensynth.formats.c_memory import Block, in_one_block, planned
from gensynth.formats.c_project import facts_of, write_project
from gensynth.formats.c_tflite import as_array, method_name
from gensynth.formats.real_inputs import noise
from tests.exports.test_export_folder import tiny_source
from tests.exports.test_formats import deployment
from tests.support.firmware import firmware, need_programs

LIVES = st.tuples(st.integers(1, 50), st.integers(0, 20), st.integers(0, 20))


@given(st.lists(LIVES, min_size=1, max_size=12))
def test_activations_that_live_together_never_overlap(lives: list[tuple[int, int, int]]) -> None:
    blocks = [Block(8 * size, first, first + length) for size, first, length in lives]
    found = planned(blocks)
    for k, one in enumerate(found):
        assert (one.size, one.first, one.last) == (blocks[k].size, blocks[k].first, blocks[k].last)
        for other in found[:k]:
            apart = one.offset + one.size <= other.offset or other.offset + other.size <= one.offset
            assert apart or not one.meets(other)
    assert max(one.offset + one.size for one in found) <= sum(block.size for block in blocks)


def test_arrays_share_a_block_and_other_code_is_left_alone() -> None:
    code = """static float weights[2];
void network(const float images[4], float logits[2]) {
    float tmp0_a[1][4][2];
    float tmp1_b[8];
    float tmp2_c[1][4];
    first(images, tmp0_a);
    second(tmp0_a, tmp1_b);
    third(tmp1_b, tmp2_c);
    last(tmp2_c, logits);
}
"""
    found = in_one_block(code)
    assert "activations[64]" in found and "float (*tmp0_a)[4][2] = (void *)" in found
    assert "float *tmp1_b = (void *)" in found and "float tmp" not in found
    assert in_one_block("int main(void) {}\n") == "int main(void) {}\n"


def test_names_of_classes_are_written_as_c(tmp_path: Path) -> None:
    classes = '["a\\"b", "Käse1", "x?\\\\"]'
    how = '{"channels": 3, "height": 4, "width": 4, "mean": [0, 0, 0], "std": [1, 1, 1]}'
    facts = {"classes": classes, "preprocessing": how}
    network = Deployment(
        deployment(tiny_source()).searched, (3, 4, 4), noise((3, 4, 4)).images, facts
    )
    words = facts_of(network)["CLASSES"]
    assert words == '"a\\042b",\n    "K\\303\\244se1",\n    "x\\077\\134"'
    write_project(network, tmp_path)
    assert "@" not in "".join(path.read_text() for path in tmp_path.iterdir() if path.suffix != "")


def test_a_model_is_an_array_of_its_bytes() -> None:
    model = bytes(range(30))
    text = as_array(model)
    numbers = [int(word, 16) for word in text.replace(",", " ").split() if word.startswith("0x")]
    assert bytes(numbers) == model and "model_data[30]" in text and "aligned(16)" in text
    assert method_name("AVERAGE_POOL_2D") == "AveragePool2D" and method_name("ADD") == "Add"


def test_a_missing_compiler_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="apt-get install gcc libc6-dev"):
        formats(["c"])


@pytest.mark.slow
def test_the_firmware_gives_the_classes_that_predict_gives(tmp_path: Path) -> None:
    need_programs()
    pictures = [tmp_path / f"{k}.png" for k in range(10)]
    for image, picture in zip(digits()[0], pictures, strict=False):
        large = Image.fromarray(image[0]).resize((30, 41), Image.Resampling.BICUBIC)
        large.save(picture)  # Neither square nor of the network's size.
    gensynth.train("attendnext:tiny", "digits", epochs=12, rates=[0.2], out=tmp_path / "run")
    exported = gensynth.export(tmp_path / "run", tmp_path / "out", ["c"])
    assert exported.agrees
    project = tmp_path / "out" / "c"
    script = [sys.executable, str(project / "pictures.py"), *map(str, pictures)]
    subprocess.run(script, check=True)
    found = firmware(project)
    expected = [one.best for one in gensynth.predict(tmp_path / "out", pictures)]
    assert [name for name, _ in found] == expected and len(set(expected)) > 1
    assert firmware(project) == found  # Instructions are counted, not timed.
