"""A result is replaced by the next one whole, whatever a crash leaves in between."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from dalle_model import files
from orchestration.engine.replacing import drop_next, replace_result, settle, whole_next
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest, read_manifest, write_manifest, write_timings

NUM_MOVES = 5  # the old manifest, two files, the timings, the new manifest
OUTSIDE = [{"url": "a.tsv", "bytes": 3, "stamp": "1"}]


class CrashError(Exception):
    """The process ends here."""


def write_result(folder: StageFolder, content: bytes, names: tuple[str, ...]) -> Manifest:
    for name in names:
        files.write_bytes(folder.file(name), content)
    entries = [{"name": name, "bytes": len(content), "sha256": content.hex()} for name in names]
    manifest = Manifest(
        "stage", content.decode(), {}, {}, {}, files=entries[:1], rejected_files=entries[1:]
    )
    write_timings(folder, {"outside": OUTSIDE})
    write_manifest(folder, manifest)
    return manifest


@pytest.fixture
def folder(tmp_path) -> StageFolder:
    """A stage with an old result of three files, and a next one of two, whole."""
    folder = StageFolder(str(tmp_path), 1)
    write_result(folder, b"old", ("a", "rejected/a", "gone"))
    (tmp_path / "mine.txt").write_text("of the user")
    write_result(folder.next, b"new", ("a", "rejected/a"))
    return folder


def next_of(folder: StageFolder) -> Manifest:
    manifest = read_manifest(folder.next)
    assert manifest is not None
    return manifest


def content(folder: StageFolder) -> dict[str, bytes]:
    root = Path(folder.url)
    paths = (path for path in root.rglob("*") if path.is_file())
    names = {str(path.relative_to(root)): path.read_bytes() for path in paths}
    return {n: c for n, c in names.items() if n not in {"manifest.json", "timings.json"}}


NEW = {"a": b"new", "rejected/a": b"new", "mine.txt": b"of the user"}


def test_the_next_result_takes_the_place_of_the_old_one(folder):
    manifest = next_of(folder)
    replace_result(folder, manifest)
    assert content(folder) == NEW
    assert read_manifest(folder) == manifest


@pytest.mark.parametrize("steps", range(NUM_MOVES + 1))
def test_a_crash_at_any_step_leaves_the_old_result_or_what_can_be_settled(
    folder, monkeypatch, steps
):
    moved: list[str] = []
    real = files.move

    def move(source: str, target: str) -> None:
        if len(moved) == steps:
            raise CrashError
        moved.append(source)
        real(source, target)

    manifest = next_of(folder)
    with monkeypatch.context() as patched:
        patched.setattr(files, "move", move)
        with nullcontext() if steps >= NUM_MOVES else pytest.raises(CrashError):
            replace_result(folder, manifest)
    if steps == 0:
        old = read_manifest(folder)
        assert old is not None
        assert old.fingerprint == "old"
        return
    settle(folder)
    assert content(folder) == NEW
    assert read_manifest(folder) == manifest


def test_a_result_in_an_object_store_is_replaced_by_copies():
    folder = StageFolder("memory://replacing/stage", 1)
    write_result(folder, b"old", ("a", "gone"))
    write_result(folder.next, b"new", ("a",))
    replace_result(folder, next_of(folder))
    assert files.read_bytes(folder.file("a")) == b"new"
    assert not files.exists(folder.file("gone"))
    assert not files.exists(folder.next.url)
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.fingerprint == "new"


def test_an_unfinished_next_result_replaces_nothing(folder):
    files.remove(folder.next.manifest)
    settle(folder)
    assert content(folder)["a"] == b"old"
    drop_next(folder)
    assert ".next/a" not in content(folder)


def test_a_whole_next_result_is_of_one_work_on_one_input(folder):
    found = whole_next(folder, "new", OUTSIDE)
    assert found is not None
    assert found.fingerprint == "new"
    assert whole_next(folder, "other", OUTSIDE) is None
    assert whole_next(folder, "new", [OUTSIDE[0] | {"stamp": "2"}]) is None


def test_the_records_of_a_live_crawl_are_shared_by_both(folder):
    assert folder.next.site == folder.site
