import json
from pathlib import Path

import pytest

from dalle_model import files
from pipelines.encode.alone.shards import complete, encode_shard, unfinished
from pipelines.encode.config import IMAGES_PROVEN
from tests.support.own_images import completed, own_work


@pytest.fixture
def work(tmp_path, codec_url):
    return own_work(tmp_path, codec_url)


def test_the_manifest_is_written_once_all_shards_are_there(work):
    encode_shard(work, 1, lambda _: None)
    assert complete(work) is None
    assert not files.exists(work.task.folder.manifest)
    encode_shard(work, 0, lambda _: None)
    manifest = completed(work)
    assert (manifest.rows_in, manifest.rows_out, manifest.num_shards) == (6, 6, 2)
    assert manifest.fingerprint == work.task.fingerprint
    assert manifest.metrics.get(IMAGES_PROVEN, 0) >= 0
    content = files.read_bytes(work.task.folder.manifest)
    assert json.loads(content)["files"] == manifest.files
    assert completed(work) == manifest
    assert files.read_bytes(work.task.folder.manifest) == content


def test_what_is_finished_is_skipped_if_its_files_are_still_the_same(work):
    assert unfinished(work, range(2)) == [0, 1]
    encode_shard(work, 0, lambda _: None)
    assert unfinished(work, range(2)) == [1]
    assert unfinished(work, [0]) == []
    part = Path(work.task.part(0))
    content = part.read_bytes()
    part.write_bytes(content[:-9] + b"?" + content[-8:])
    assert unfinished(work, range(2)) == [0, 1]
    part.write_bytes(content)
    Path(work.task.rejected(0)).unlink()
    assert unfinished(work, range(2)) == [0, 1]


def test_shards_of_other_work_are_made_again(work, tmp_path, codec_url):
    encode_shard(work, 0, lambda _: None)
    other = own_work(tmp_path, codec_url, digest="of other images")
    assert unfinished(other, range(2)) == [0, 1]
