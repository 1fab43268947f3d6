import io

import numpy as np
import pytest
from PIL import Image

from dalle_model import files
from dalle_model.shards import ShardError, list_shards, read_shards
from dalle_model.tokenizers.registry import inspect_codec, load_codec
from orchestration.engine.progress import Quiet
from orchestration.token_sets.decoding import DecodeError, decode_set
from orchestration.token_sets.joining import join_sets
from tests.support.codecs import write_codec
from tests.support.token_shards import pair_rows, write_token_set


@pytest.fixture
def codec(tmp_path) -> str:
    write_codec(url := f"{tmp_path}/tiny.safetensors")
    return url


@pytest.fixture
def url(tmp_path, codec) -> str:
    facts = inspect_codec(codec)
    rows = [row | {"view": n} for row in pair_rows(6, 0, 32, 4) for n in (0, 1)]
    return write_token_set(
        tmp_path / "a",
        rows,
        codec_sha256=facts.sha256,
        num_codes=32,
        token_shape=facts.token_shape,
        image_shape=facts.image_shape,
    )


def test_each_row_is_a_file_of_its_key_and_view(tmp_path, url, codec):
    assert decode_set(url, f"{tmp_path}/out", codec, "image_tokens", 5) == f"{tmp_path}/out"
    rows = read_shards(list_shards(url)).slice(0, 5).to_pylist()
    expected = load_codec(codec).decode(np.array([r["image_tokens"] for r in rows], np.uint16))
    names = [f"{r['key']}{'-1' if r['view'] else ''}.png" for r in rows]
    assert files.list_names(f"{tmp_path}/out") == sorted(names)
    for name, image in zip(names, expected, strict=True):
        with Image.open(f"{tmp_path}/out/{name}") as found:
            assert np.array_equal(np.asarray(found), image)


def test_a_sheet_is_one_picture_and_may_lie_in_a_store(url, codec):
    decode_set(url, "memory://decoding/sheet.png", codec, "image_tokens", 100)
    with Image.open(io.BytesIO(files.read_bytes("memory://decoding/sheet.png"))) as sheet:
        assert sheet.height > 12 * 128


def test_tokens_that_were_joined_are_decoded_by_their_own_codec(tmp_path, url, codec):
    join_sets([url, url], f"{tmp_path}/both", ["b"], inner=False, progress=Quiet())
    decode_set(f"{tmp_path}/both", f"{tmp_path}/out", codec, "image_tokens_b", 1)
    assert len(files.list_names(f"{tmp_path}/out")) == 1
    with pytest.raises(DecodeError, match="--column names one of image_tokens, image_tokens_b"):
        decode_set(f"{tmp_path}/both", f"{tmp_path}/out", codec, "image_tokens_c", 1)


def test_another_codec_is_refused(tmp_path, url):
    write_codec(other := f"{tmp_path}/other.safetensors", seed=1)
    with pytest.raises(DecodeError, match=r"is another one .*; --codec names the file"):
        decode_set(url, f"{tmp_path}/out", other, "image_tokens", 1)
    assert not files.exists(f"{tmp_path}/out")


def test_a_set_without_rows_is_an_error(tmp_path, codec):
    empty = write_token_set(tmp_path / "b", [], codec_sha256=inspect_codec(codec).sha256)
    with pytest.raises(ShardError, match="holds no row to decode"):
        decode_set(empty, f"{tmp_path}/out", codec, "image_tokens", 1)


def test_the_codec_that_ships_needs_no_name_and_any_other_does(tmp_path, url):
    facts = inspect_codec("demo")
    rows = pair_rows(2, 0, facts.num_codes, facts.num_tokens)
    demo = write_token_set(
        tmp_path / "demo",
        rows,
        codec_sha256=facts.sha256,
        num_codes=facts.num_codes,
        token_shape=facts.token_shape,
        image_shape=facts.image_shape,
    )
    decode_set(demo, f"{tmp_path}/out", "", "image_tokens", 2)
    assert len(files.list_names(f"{tmp_path}/out")) == 2
    with pytest.raises(DecodeError, match=r"`image_tokens` is of the codec tiny .* --codec names"):
        decode_set(url, f"{tmp_path}/x", "", "image_tokens", 2)
