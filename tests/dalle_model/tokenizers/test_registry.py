import pytest

from dalle_model.checkpoint import CheckpointError, save_checkpoint
from dalle_model.tokenizers.codec import CodecError
from dalle_model.tokenizers.registry import codec_sha256, codec_url, inspect_codec, load_codec


def test_a_missing_codec_is_one_clear_message(tmp_path):
    for attempt in (load_codec, codec_sha256):
        with pytest.raises(
            CheckpointError, match=r"no dvae, vq or vqgan .* at .*`dalle train dvae`"
        ):
            attempt(f"{tmp_path}/none.safetensors")


def test_the_shipped_codec_is_found_by_its_name():
    assert codec_url("demo").endswith("dalle_model/weights/demo_vq.safetensors")
    assert codec_url("s3://bucket/x.safetensors") == "s3://bucket/x.safetensors"


def test_a_name_that_nobody_has_is_told_what_names_there_are():
    with pytest.raises(CodecError, match=r"did you mean `demo`.*an installed package adds"):
        inspect_codec("demi")


def test_a_checkpoint_of_another_kind_is_refused(tmp_path):
    url = f"{tmp_path}/x.safetensors"
    save_checkpoint(url, "prior", {}, {})
    with pytest.raises(CodecError, match=r"is a prior checkpoint where a dvae, .*is needed"):
        load_codec(url)
