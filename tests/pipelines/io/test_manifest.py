import os

from dalle_model import files
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest, missing_files
from pipelines.io.manifest_groups import digest_of
from pipelines.io.task import ShardReport
from tests.support.counted_store import PROTOCOL, counted_store
from tests.support.many_shards import IDENTITY, make_shards, steps


def manifest_of(num_shards: int, kept_bytes: int = 2, dropped_bytes: int = 3) -> Manifest:
    kept = {"rows": 1, "bytes": kept_bytes, "sha256": "k"}
    dropped = {"rows": 1, "bytes": dropped_bytes, "sha256": "d"}
    reports = [ShardReport(n, "a", 2, 1, {"r": 1}, kept, dropped) for n in range(num_shards)]
    return Manifest.of_shards(reports, num_shards, **IDENTITY)


def test_a_name_that_is_no_utf_8_is_digested_and_kept(tmp_path):
    name = os.fsdecode(b"caf\xe9.jpg")
    assert digest_of([name]) != digest_of(["caf?.jpg"])
    folder = StageFolder(str(tmp_path), 1)
    files.write_json(folder.manifest, {"url": name})
    assert files.read_json(folder.manifest) == {"url": name}


def test_only_files_in_their_size_are_there(tmp_path):
    folder = StageFolder(str(tmp_path), 3)
    for index in range(3):
        files.write_bytes(folder.part(index), b"12")
        files.write_bytes(folder.rejected(index), b"123")
    manifest = manifest_of(3)
    assert missing_files(folder, manifest) == []
    files.remove(folder.part(2))
    files.write_bytes(folder.rejected(0), b"1")
    assert missing_files(folder, manifest) == [folder.part(2), folder.rejected(0)]


def test_the_drivers_work_on_a_store_is_a_request_a_shard_in_all():
    """More for small numbers: every folder is listed, however few its files are."""
    num_shards = 2_000
    store = counted_store()
    task = make_shards(f"{PROTOCOL}://bucket/run", num_shards)
    spent = {}
    for name, step in steps(task).items():
        store.requests.clear()
        step()
        spent[name] = store.requests.copy()
    assert spent["markers to manifest"]["GET"] == num_shards
    assert not any(requests["HEAD"] for requests in spent.values())
    assert spent["nothing to do"].total() <= 2 * num_shards / 1000 + 3
    assert sum(requests.total() for requests in spent.values()) <= 1.02 * num_shards
