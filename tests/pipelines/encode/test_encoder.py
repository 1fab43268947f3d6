import gc
import weakref

import numpy as np
import pytest
import torch

from dalle_model.tokenizers import chunks
from dalle_model.tokenizers.codec import CodecError
from dalle_model.tokenizers.registry import load_codec
from pipelines.encode.batch_size import BatchSize
from pipelines.encode.config import EncodeConfig
from pipelines.encode.encoder import (
    Encoder,
    EncodingMemoryError,
    NoMarginsError,
    Tokens,
    is_out_of_memory,
)
from pipelines.rejection import Check
from tests.support.codecs import FailingCodec, write_codec
from tests.support.image_rows import noise


@pytest.fixture(scope="module")
def codec(tmp_path_factory):
    url = f"{tmp_path_factory.mktemp('codec')}/tiny.safetensors"
    write_codec(url)
    return load_codec(url)


def encoder(codec, mode="exact", batch_size=4, *, is_fixed=True, **settings) -> Encoder:
    config = EncodeConfig(mode=mode, batch_size=batch_size, **settings)
    return Encoder(codec, config, BatchSize(batch_size, is_fixed=is_fixed))


def codes(outcomes):
    return [o.codes.tolist() if isinstance(o, Tokens) else o.reason for o in outcomes]


@pytest.mark.parametrize("count", [1, 3, 4, 5, 9])
def test_a_padded_last_batch_gives_the_codes_of_full_batches(codec, count):
    squares = [noise(n) for n in range(12)]
    whole = codes(encoder(codec).encode(squares))
    failing = FailingCodec(codec)
    assert codes(encoder(failing).encode(squares[:count])) == whole[:count]
    assert set(failing.asked) == {4}


@pytest.mark.parametrize(("count", "asked"), [(1, 2), (3, 4), (4, 4), (5, 5)])
def test_of_a_codec_that_takes_parts_of_a_batch_the_last_part_is_filled(
    codec, count, asked, monkeypatch
):
    squares = [noise(n) for n in range(5)]
    monkeypatch.setattr(chunks, "_MAP_BYTES", 2 * 8 * 16 * 16 * 4)  # two images at once
    assert codec.images_at_once == 2
    whole = codes(encoder(codec, batch_size=5).encode(squares))
    failing = FailingCodec(codec)
    assert codes(encoder(failing, batch_size=5).encode(squares[:count])) == whole[:count]
    assert failing.asked == [asked]


def test_threads_are_pinned_inside_and_restored(codec, monkeypatch):
    before, inside, encode = torch.get_num_threads(), [], codec.encode

    def encoding(images):
        inside.append(torch.get_num_threads())
        return encode(images)

    monkeypatch.setattr(codec, "encode", encoding)
    torch.set_num_threads(2)
    try:
        encoder(codec, batch_size=2).encode([noise(0)])
        assert (inside, torch.get_num_threads()) == ([1], 2)
        assert not torch.are_deterministic_algorithms_enabled()
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("mode", ["exact", "fast"])
@pytest.mark.parametrize("poisoned", [(0,), (3,), (2, 5), range(7)])
def test_images_on_which_the_codec_fails_are_found_and_the_others_encoded(codec, poisoned, mode):
    squares = [noise(n) for n in range(7)]
    failing = FailingCodec(codec, tuple(squares[n] for n in poisoned))
    found = encoder(failing, mode).encode(squares)
    expected = codes(encoder(codec).encode(squares))
    for number in poisoned:
        expected[number] = "codec_failed"
        check = found[number]
        assert isinstance(check, Check)
        assert check.detail == "KeyError: 'poison'"
    assert codes(found) == expected
    assert mode == "fast" or set(failing.asked) == {4}


def test_an_error_that_is_written_for_people_ends_the_run(codec, monkeypatch):
    def refuse(images):
        raise CodecError("the codec's server has gone")

    monkeypatch.setattr(codec, "encode", refuse)
    with pytest.raises(CodecError, match="has gone"):
        encoder(codec).encode([noise(0)])


ERRORS = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 9"),
)


@pytest.mark.parametrize("error", ERRORS)
def test_too_little_memory_lowers_the_batch_of_fast_and_says_so(codec, error):
    squares = [noise(n) for n in range(20)]
    failing = FailingCodec(codec, holds=3, error=error)
    fast = encoder(failing, "fast", 16)
    assert codes(fast.encode(squares)) == codes(encoder(codec).encode(squares))
    assert failing.asked[:3] == [16, 8, 4]
    assert set(failing.asked[3:]) == {2}
    assert [said.split(" hold ")[1] for said in fast.warnings] == [
        "16 images of 16 x 16 px at once: 8 are encoded instead",
        "8 images of 16 x 16 px at once: 4 are encoded instead",
        "4 images of 16 x 16 px at once: 2 are encoded instead",
    ]
    before = len(failing.asked)
    fast.encode(squares)
    assert set(failing.asked[before:]) == {2}


@pytest.mark.parametrize("error", ERRORS)
def test_too_little_memory_for_an_exact_batch_names_the_setting(codec, error):
    failing = FailingCodec(codec, holds=3, error=error)
    with pytest.raises(EncodingMemoryError, match=r"`encode.batch_size` to 2 or less"):
        encoder(failing).encode([noise(0)])
    assert failing.asked == [4]


@pytest.mark.parametrize(("mode", "batch_size"), [("fast", 4), ("exact", 1)])
def test_too_little_memory_for_one_image_ends_the_run(codec, mode, batch_size):
    with pytest.raises(EncodingMemoryError, match="not hold a single image of 16 x 16 px"):
        encoder(FailingCodec(codec, holds=0), mode, batch_size).encode([noise(0), noise(1)])


def test_what_a_failed_batch_held_is_freed_before_the_next(codec):
    class Held:
        pass

    held: list[weakref.ref[Held]] = []
    alive: list[int] = []

    class Holding(FailingCodec):
        def encode(self, images):
            alive.append(sum(reference() is not None for reference in held))
            own = Held()
            held.append(weakref.ref(own))
            if len(images) > 1:
                raise MemoryError
            return super().encode(images)

    gc.disable()
    try:
        encoder(Holding(codec), "fast", 2).encode([noise(0), noise(1)])
    finally:
        gc.enable()
    assert alive == [0] * len(alive)
    assert len(alive) == 3


def test_other_errors_are_not_about_memory():
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
    assert not is_out_of_memory(ValueError("not enough memory"))


def test_margins_come_with_tokens_in_half_precision(codec):
    squares = [noise(n) for n in range(5)]
    found = encoder(codec, margin=True).encode(squares)
    assert codes(found) == codes(encoder(codec).encode(squares))
    for outcome in found:
        assert isinstance(outcome, Tokens)
        assert outcome.margins is not None
        assert (outcome.margins.dtype.name, outcome.margins.shape) == ("float16", (4,))
    plain = encoder(codec).encode(squares)[0]
    assert isinstance(plain, Tokens)
    assert plain.margins is None


def test_a_margin_beyond_half_precision_is_its_largest_value(codec, monkeypatch):
    many = np.full((4, 4), 1e6, np.float32)
    monkeypatch.setattr(
        codec, "encode_with_margins", lambda images: (np.zeros((4, 4), np.uint16), many)
    )
    (found,) = encoder(codec, margin=True).encode([noise(0)])
    assert isinstance(found, Tokens)
    assert found.margins is not None
    assert found.margins.tolist() == [65504.0] * 4


def test_margins_of_a_codec_that_has_none_are_refused(codec):
    with pytest.raises(NoMarginsError, match=r"tiny gives no margins; set `encode.margin: false`"):
        encoder(FailingCodec(codec), margin=True)


def test_fast_begins_small_and_keeps_what_it_has_learnt(codec):
    failing, size = FailingCodec(codec), BatchSize(4)
    config = EncodeConfig(mode="fast", batch_size=4)
    squares = [noise(n) for n in range(40)]
    assert codes(Encoder(failing, config, size).encode(squares)) == codes(
        encoder(codec).encode(squares)
    )
    assert failing.asked[:3] == [1, 1, 1]
    learnt = size.now
    before = len(failing.asked)
    Encoder(failing, config, size).encode(squares[:learnt])
    assert failing.asked[before:] == [learnt]
