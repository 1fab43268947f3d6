import pytest

from dalle_model import files
from dalle_model.tokenizers.codec import CodecError
from pipelines.encode.alone.shards import complete, encode_shard
from pipelines.encode.alone.work import OtherTokensError
from pipelines.encode.config import EncodeConfig
from tests.support.codecs import write_codec
from tests.support.own_images import ROWS, own_work


def test_the_name_of_the_work_is_of_images_codec_and_settings(tmp_path, codec_url):
    other = f"{tmp_path}/other.safetensors"
    write_codec(other, seed=1)
    works = [
        own_work(tmp_path, codec_url),
        own_work(tmp_path, codec_url, digest="of other images"),
        own_work(tmp_path, codec_url, [ROWS]),
        own_work(tmp_path, codec_url, config=EncodeConfig(codec=codec_url, mode="fast")),
        own_work(tmp_path, other, config=EncodeConfig(codec=other, batch_size=4)),
    ]
    assert len({work.task.fingerprint for work in works}) == len(works)
    moved = own_work(tmp_path / "elsewhere", codec_url)
    assert moved.task.fingerprint == works[0].task.fingerprint


def test_a_codec_that_cannot_be_used_ends_it_before_a_row_is_read(tmp_path):
    with pytest.raises(CodecError, match="none"):
        own_work(tmp_path, "none.safetensors", config=EncodeConfig(codec="none.safetensors"))


def test_tokens_of_other_work_are_neither_replaced_nor_mixed_with(tmp_path, codec_url):
    work = own_work(tmp_path, codec_url, [ROWS])
    encode_shard(work, 0, lambda _: None)
    complete(work)
    with pytest.raises(OtherTokensError, match="name another folder"):
        own_work(tmp_path, codec_url, [ROWS], digest="of other images")
    assert own_work(tmp_path, codec_url, [ROWS]).task == work.task
    files.remove(work.task.folder.manifest)
    with pytest.raises(OtherTokensError, match=f"{tmp_path}/encode"):
        own_work(tmp_path, codec_url)  # of two shards
