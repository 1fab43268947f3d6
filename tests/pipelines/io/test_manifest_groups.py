"""A stage of many shards lists its files in groups, and everything reads them as one list."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dalle_model import files
from orchestration.engine.replacing import replace_result
from orchestration.engine.verify import VerificationError, verify_run
from pipelines.io import manifest_groups
from pipelines.io.layout import RunFolder, StageFolder
from pipelines.io.manifest import Manifest, missing_files, read_manifest, write_manifest
from pipelines.io.manifest_groups import ManifestError, content_digest, digest_of
from pipelines.io.task import ShardReport
from tests.support.many_shards import IDENTITY

NUM_SHARDS = 25  # in groups of 10


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch):
    monkeypatch.setattr(manifest_groups, "MAX_LISTED", 20)
    monkeypatch.setattr(manifest_groups, "GROUP_SIZE", 10)


def write_result(folder: StageFolder, content: bytes = b"kept", dropped: bytes = b"no") -> Manifest:
    """Shards whose content is their number and some bytes, and their manifest."""
    reports = []
    for index in range(folder.num_shards):
        entries = []
        for url, end in ((folder.part(index), content), (folder.rejected(index), dropped)):
            written = f"{index}".encode() + end
            files.write_bytes(url, written)
            entry = {"rows": 1, "bytes": len(written), "sha256": files.sha256(written)}
            entries.append(entry)
        kept, rejected = entries
        reports.append(ShardReport(index, "a", 2, 1, {"r": 1}, kept, rejected))
    manifest = Manifest.of_shards(reports, folder.num_shards, **IDENTITY)
    write_manifest(folder, manifest)
    return manifest


def written(folder: StageFolder) -> Manifest:
    manifest = read_manifest(folder)
    assert manifest is not None
    return manifest


def test_the_manifest_names_groups_that_hold_the_lists(tmp_path):
    folder = StageFolder(str(tmp_path), NUM_SHARDS)
    made = write_result(folder)
    document = json.loads((tmp_path / "manifest.json").read_text())
    assert (document["files"], document["rejected_files"]) == ([], [])
    names = [group["name"] for group in document["groups"]]
    assert names == ["manifest/00000.json", "manifest/00001.json", "manifest/00002.json"]
    assert [files.sha256_of(folder.file(name)) for name in names] == [
        group["sha256"] for group in document["groups"]
    ]
    found = written(folder)
    assert list(found.files) == made.files
    assert list(found.rejected_files) == made.rejected_files
    assert (found.rows_in, len(found.files)) == (50, NUM_SHARDS)
    assert found.files[-1] == found.files[24] == made.files[24]
    assert found.files[8:12] == made.files[8:12]
    with pytest.raises(IndexError):
        found.files[25]


def test_fewer_shards_are_listed_as_ever(tmp_path):
    folder = StageFolder(str(tmp_path), 20)
    made = write_result(folder)
    assert "groups" not in json.loads((tmp_path / "manifest.json").read_text())
    assert not (tmp_path / "manifest").exists()
    assert written(folder) == made
    assert made.digest == content_digest(made.files)


def test_the_digest_is_that_of_the_digests_of_what_is_kept(tmp_path):
    folder = StageFolder(str(tmp_path), NUM_SHARDS)
    made = write_result(folder)
    parts = [made.files[:10], made.files[10:20], made.files[20:]]
    assert made.digest == digest_of([content_digest(part) for part in parts])
    assert written(folder).digest == made.digest
    assert write_result(folder, dropped=b"otherwise").digest == made.digest
    assert write_result(folder, content=b"else").digest != made.digest
    changed = replace(written(folder), files=made.files)  # as a retry makes it
    assert changed.digest == made.digest


def test_a_whole_result_is_seen_without_reading_a_group(tmp_path, monkeypatch):
    folder = StageFolder(str(tmp_path), NUM_SHARDS)
    write_result(folder)
    monkeypatch.setattr(manifest_groups.Groups, "read", None)
    assert missing_files(folder, written(folder)) == []


def test_what_is_missing_or_of_another_size_is_named(tmp_path):
    folder = StageFolder(str(tmp_path), NUM_SHARDS)
    write_result(folder)
    files.remove(folder.part(12))
    files.write_bytes(folder.rejected(3), b"")
    manifest = written(folder)
    assert missing_files(folder, manifest) == [folder.rejected(3), folder.part(12)]
    files.remove(folder.file("manifest/00001.json"))
    files.write_bytes(folder.file("manifest/00000.json"), b"{}")
    gone = [folder.file("manifest/00000.json"), folder.file("manifest/00001.json")]
    assert missing_files(folder, written(folder)) == gone


@pytest.mark.parametrize("damage", [b"{}", None])
def test_a_damaged_group_says_so_where_it_is_read(tmp_path, damage):
    folder = StageFolder(str(tmp_path), NUM_SHARDS)
    write_result(folder)
    files.remove(folder.file("manifest/00001.json"))
    if damage is not None:
        files.write_bytes(folder.file("manifest/00001.json"), damage)
    manifest = written(folder)
    assert manifest.files[5]["name"].startswith("part-00005")
    with pytest.raises(ManifestError, match=r"manifest/00001\.json is missing or damaged; delete"):
        list(manifest.files)


@pytest.mark.parametrize("groups", [[], [{}, {}, {}], "abc", 3, [1, 2, 3]])
def test_a_manifest_whose_groups_are_none_is_damaged(tmp_path, groups):
    folder = StageFolder(str(tmp_path), NUM_SHARDS)
    write_result(folder)
    document = json.loads((tmp_path / "manifest.json").read_text()) | {"groups": groups}
    files.write_json(folder.manifest, document)
    assert read_manifest(folder) is None


@pytest.mark.parametrize("num_shards", [NUM_SHARDS, 15])
def test_a_result_in_groups_is_replaced_by_the_next_one(tmp_path, num_shards):
    write_result(StageFolder(str(tmp_path), 31))
    folder = StageFolder(str(tmp_path), num_shards)
    manifest = write_result(folder.next, b"new")
    replace_result(folder, manifest)
    assert list(written(folder).files) == manifest.files
    assert missing_files(folder, written(folder)) == []
    left = {str(p.relative_to(tmp_path)) for p in Path(tmp_path).rglob("*") if p.is_file()}
    assert left == {*manifest.names(), "manifest.json"}


def test_verify_reads_what_the_groups_list(tmp_path):
    folder = RunFolder(str(tmp_path), NUM_SHARDS).stage("captions")
    write_result(folder)
    whole = verify_run(str(tmp_path))
    assert (whole.num_files, whole.foreign) == ({"captions": NUM_SHARDS}, ())
    files.write_bytes(folder.part(7), b"7KEPT")
    with pytest.raises(VerificationError, match=r"part-00007-of-00025.* is corrupt"):
        verify_run(str(tmp_path))
    files.remove(folder.file("manifest/00002.json"))
    with pytest.raises(VerificationError, match=r"manifest/00002\.json is missing or damaged"):
        verify_run(str(tmp_path))
    write_result(folder)
    assert verify_run(str(tmp_path)) == whole
    write_result(folder, dropped=b"other")
    assert verify_run(str(tmp_path)).sha256 != whole.sha256


def test_groups_of_more_shards_do_not_stay(tmp_path):
    write_result(StageFolder(str(tmp_path), 31))
    files.remove(f"{tmp_path}/manifest.json")
    write_result(StageFolder(str(tmp_path), NUM_SHARDS))
    assert len(StageFolder(str(tmp_path)).group_names()) == 3
    write_result(StageFolder(str(tmp_path), 5))
    assert StageFolder(str(tmp_path)).group_names() == []
