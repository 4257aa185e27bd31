import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensynth.errors import InputError
from gensynth.genome import ID_LENGTH, from_json, genome_id, to_json
from tests.support.toy_space import ToyGenome

genomes = st.builds(ToyGenome, st.integers(), st.integers(), st.integers())


@given(genomes)
def test_a_genome_survives_its_file(genome: ToyGenome) -> None:
    assert from_json(ToyGenome, to_json(genome, "toy", 3), version=3) == genome


@given(genomes, genomes)
def test_identity_is_that_of_the_content(first: ToyGenome, second: ToyGenome) -> None:
    assert len(genome_id(first)) == ID_LENGTH
    assert (genome_id(first) == genome_id(second)) == (first == second)


def test_identity_does_not_depend_on_the_versions_of_the_file() -> None:
    genome = ToyGenome(1, 2, 3)
    text = to_json(genome, "toy", 1)
    assert genome_id(from_json(ToyGenome, text, version=1)) == genome_id(genome)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema":2,"space":"toy","version":1,"genome":{}}', "expected schema 1, got 2"),
        (
            '{"schema":1,"space":"toy","version":2,"genome":{}}',
            "expected version 1 of space toy",
        ),
        ('{"schema":1,"space":"toy","version":1,"genome":{"width":1}}', "depth: missing"),
        ('{"space":"toy"}', "genome.schema: missing"),
        ("no json", "not valid JSON"),
    ],
)
def test_another_file_is_one_clear_error(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_json(ToyGenome, text, version=1)
