"""What codecs offer beyond the protocol."""

import os

import numpy as np
import pytest
import torch

from dalle_model.tokenizers.abilities import on_device
from dalle_model.tokenizers.codec import CodecError
from dalle_model.tokenizers.registry import load_codec
from tests.support.codecs import FailingCodec, write_codec


@pytest.fixture(scope="module")
def codec(tmp_path_factory):
    url = f"{tmp_path_factory.mktemp('codec')}/tiny.safetensors"
    write_codec(url)
    return load_codec(url)


def test_on_the_processor_a_codec_is_itself(codec):
    assert on_device(codec, "cpu") is codec
    failing = FailingCodec(codec)
    assert on_device(failing, "cpu") is failing


def test_one_that_stays_on_the_processor_says_so(codec):
    with pytest.raises(CodecError, match="runs on the processor alone"):
        on_device(FailingCodec(codec), "cuda")


def test_a_card_that_is_not_there_is_told(codec, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(CodecError, match="no graphics card"):
        on_device(codec, "cuda:1")


def test_elsewhere_sums_are_of_float32_and_the_same_each_time(codec, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")  # which is put back even if it was not there
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    moved = on_device(codec, "meta")  # of torch: a device without any data
    with pytest.raises(NotImplementedError, match="meta"):
        moved.encode(np.zeros((1, 16, 16, 3), np.uint8))
    assert torch.backends.cudnn.allow_tf32 is False
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
