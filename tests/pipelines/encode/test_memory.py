import pytest

from pipelines.encode.config import EncodeConfig
from pipelines.encode.memory import ram_bytes
from pipelines.encode.stage import STAGE
from pipelines.records import CODEC, CODEC_BYTES, CODEC_SIDE
from tests.support.codecs import TINY, write_codec

GIB = 1024**3
PAPER = {CODEC_BYTES: 390_000_000, CODEC_SIDE: 256}


def test_the_codec_that_ships_needs_what_other_stages_do():
    facts = STAGE.facts(EncodeConfig(), {CODEC: "demo"})
    assert ram_bytes(EncodeConfig(), facts) == 2 * GIB
    assert ram_bytes(EncodeConfig(), {}) == 2 * GIB


@pytest.mark.parametrize(
    ("batch_size", "facts", "gib"),
    [
        (32, PAPER, 3.25),
        (1, PAPER, 3.0),
        (512, PAPER, 5.0),
        (32, PAPER | {CODEC_SIDE: 512}, 4.75),
        (32, PAPER | {CODEC_BYTES: 4 * GIB}, 14.0),
    ],
)
def test_it_grows_with_the_codec_and_hardly_with_the_batch(batch_size, facts, gib):
    found = ram_bytes(EncodeConfig(batch_size=batch_size), facts)
    assert found == STAGE.resources.min_ram_bytes(EncodeConfig(batch_size=batch_size), facts)
    assert found / GIB == gib


def test_the_file_of_a_codec_counts(tmp_path):
    url = f"{tmp_path}/tiny.safetensors"
    write_codec(url, TINY)
    facts = STAGE.facts(EncodeConfig(), {CODEC: url})
    assert facts[CODEC_BYTES] == (tmp_path / "tiny.safetensors").stat().st_size
