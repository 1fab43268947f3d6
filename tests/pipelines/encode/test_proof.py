import numpy as np
import pytest

from dalle_model.tokenizers.registry import load_codec
from pipelines.encode.batch_size import BatchSize
from pipelines.encode.config import EncodeConfig
from pipelines.encode.encoder import Encoder
from pipelines.encode.proof import PROVEN, Proof, is_proven, other_size
from pipelines.io.keys import pair_key, shard_of
from tests.support.codecs import FailingCodec, write_codec
from tests.support.image_rows import noise


class Biased:
    """A codec whose codes are one higher where a rule of the batch says so."""

    precision = "bfloat16"

    def __init__(self, codec, rule):
        self._codec, self._rule = codec, rule

    def __getattr__(self, name):
        return getattr(self._codec, name)

    def in_fast_form(self):
        return self

    def encode(self, images):
        return self._codec.encode(images) + np.uint16(self._rule(images))


@pytest.fixture(scope="module")
def codec(tmp_path_factory):
    url = f"{tmp_path_factory.mktemp('codec')}/tiny.safetensors"
    write_codec(url)
    return load_codec(url)


def proof_of(codec, config: EncodeConfig, encoding=None) -> Proof:
    encoder = Encoder(encoding or codec, config, BatchSize(config.batch_size))
    return Proof(encoder, codec, config)


SQUARES = [noise(n) for n in range(3)]


def test_equal_codes_differ_in_nothing(codec):
    first = codec.encode(np.stack(SQUARES))
    found = proof_of(codec, EncodeConfig()).tallies(SQUARES, first)
    assert found == {"images_proven": 3, "tokens_proven": 12, "tokens_differ_by_batch": 0}
    assert set(found) == {"images_proven", "tokens_proven", "tokens_differ_by_batch"}


def test_each_token_that_differs_is_counted(codec):
    first = codec.encode(np.stack(SQUARES))
    first[0, 0] ^= 1
    first[2] ^= 1
    found = proof_of(codec, EncodeConfig()).tallies(SQUARES, first)
    assert found["tokens_differ_by_batch"] == 5


def test_fast_is_compared_with_the_exact_codec_too(codec):
    biased = Biased(codec, lambda images: 1)
    first = biased.encode(np.stack(SQUARES))
    found = proof_of(codec, EncodeConfig(mode="fast"), biased).tallies(SQUARES, first)
    assert found["tokens_differ_by_batch"] == 0
    assert found["tokens_differ_from_exact"] == 12
    assert found["images_proven_of_bfloat16"] == 3


@pytest.mark.parametrize("count", [1, 2])
def test_the_batch_is_never_of_the_size_that_was_used(codec, count):
    biased = Biased(codec, lambda images: len(images) == 2)
    config = EncodeConfig(batch_size=2)
    squares = SQUARES[:count]
    first = biased.encode(np.stack(SQUARES[:2]))[:count]
    found = proof_of(biased, config, biased).tallies(squares, first)
    assert found["tokens_differ_by_batch"] == 4 * count


def test_a_codec_that_takes_no_other_batch_is_said_to_be_unproven(codec):
    failing = FailingCodec(codec, holds=0)
    first = codec.encode(np.stack(SQUARES))
    found = proof_of(failing, EncodeConfig()).tallies(SQUARES, first)
    assert found == {"images_failed_when_proven": 3}


@pytest.mark.parametrize(("used", "other"), [(1, 2), (4, 2), (8, 2), (32, 8), (64, 16)])
def test_few_images_are_encoded_again_at_once(used, other):
    assert other_size(used) == other


def test_the_sample_is_one_image_in_64_of_each_shard():
    keys = [pair_key(f"http://x.test/{n}.jpg", "a barn") for n in range(20_000)]
    for shard in range(8):
        mine = [key for key in keys if shard_of(key, 8) == shard]
        share = sum(is_proven(key[:24]) for key in mine) / len(mine)
        assert 0.5 / PROVEN < share < 1.6 / PROVEN
