"""Exports: whole, the same bytes again, on where they stopped, and refused where a set is more."""

from collections.abc import Mapping

import pytest

from dalle_model.files import url_to_fs
from dalle_model.shards import ShardError, read_shards
from orchestration.engine.progress import Quiet
from orchestration.token_formats.exporting import TokenExport
from orchestration.token_formats.facts import read_facts
from orchestration.token_formats.format import FormatError
from orchestration.token_formats.registry import FORMATS, importable
from orchestration.token_sets.joining import join_sets
from orchestration.token_sets.output import OutputError
from tests.support.documents import ROOT
from tests.support.token_formats import contents, described_set, exported, imported, rows_of
from tests.support.token_shards import pair_rows, write_token_set


def classes_for(name: str) -> dict[str, str]:
    return {"classes": "label"} if FORMATS[name].asks_classes else {}


@pytest.mark.parametrize("name", FORMATS)
def test_every_row_is_counted_and_the_facts_are_there(tmp_path, name):
    url = described_set(tmp_path / "a")
    result = exported(name, url, tmp_path / "b", **classes_for(name))
    assert (result.num_rows, result.num_samples) == (40, 40)
    facts = read_facts(str(tmp_path / "b"))
    assert facts is not None
    assert (facts.format, facts.rows, facts.samples) == (name, 40, 40)
    assert facts.metadata.codec == "tiny"
    added = ["label", "score"] if FORMATS[name].carries_added else []
    assert [field.name for field in facts.added] == added
    assert list((tmp_path / "b").rglob(".*")) == []


class Interrupting(Quiet):
    """Ends the work once so many shards are done."""

    def __init__(self, last: int) -> None:
        self.last = last

    def step(self, step: int, total: int, metrics: Mapping[str, float] = {}, /) -> None:
        if step == self.last:
            raise KeyboardInterrupt


@pytest.mark.parametrize("name", FORMATS)
def test_an_interrupted_export_goes_on_to_the_same_bytes(tmp_path, name):
    url, given = described_set(tmp_path / "a"), classes_for(name)
    exported(name, url, tmp_path / "whole", **given)
    for last in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            exported(name, url, tmp_path / "again", progress=Interrupting(last), **given)
        assert read_facts(str(tmp_path / "again")) is None
    other = described_set(tmp_path / "other", 30)
    with pytest.raises(OutputError, match="not the interrupted work of this very command"):
        exported(name, other, tmp_path / "again", **given)
    exported(name, url, tmp_path / "again", **given)
    assert contents(tmp_path / "again") == contents(tmp_path / "whole")


@pytest.mark.parametrize("name", FORMATS)
def test_a_store_gets_the_same_bytes(tmp_path, name):
    url, given, out = described_set(tmp_path / "a"), classes_for(name), f"memory://stored-{name}"
    exported(name, url, tmp_path / "b", **given)
    exported(name, url, out, **given)
    filesystem, root = url_to_fs(out)
    stored = {
        path[len(root) :].lstrip("/"): filesystem.cat_file(path) for path in filesystem.find(root)
    }
    filesystem.rm(root, recursive=True)
    assert stored == contents(tmp_path / "b")


@pytest.mark.parametrize("name", [name for name in FORMATS if name in importable()])
def test_what_a_store_holds_is_imported(tmp_path, name):
    url, out = described_set(tmp_path / "a"), f"memory://held-{name}"
    exported(name, url, out, **classes_for(name))
    imported(name, out, tmp_path / "b")
    columns = ["key", "view", "caption", "image_tokens"]
    assert rows_of(tmp_path / "b", columns) == rows_of(url, columns)


def test_one_of_several_columns_of_tokens_is_written_and_imported_as_its_own(tmp_path):
    url = described_set(tmp_path / "a")
    other = described_set(tmp_path / "o", codec_sha256="cd" * 32)
    join_sets([url, other], str(tmp_path / "j"), ["b"], inner=False, progress=Quiet())
    exported("rar", tmp_path / "j", tmp_path / "r", classes="0", column="image_tokens_b")
    result = imported("rar", tmp_path / "r", tmp_path / "c")
    assert result.metadata.codec_sha256 == "cd" * 32
    for name in ("hf", "webdataset", "mds", "litdata"):
        exported(name, tmp_path / "j", tmp_path / name)
    assert rows_of(tmp_path / "hf/data") == rows_of(tmp_path / "j")


@pytest.mark.parametrize("name", FORMATS)
def test_shards_of_version_1_are_exported(tmp_path, name):
    url = str(ROOT / "tests/support/shards/v1.parquet")
    exported(name, url, tmp_path / "b", **({"classes": "0"} if FORMATS[name].asks_classes else {}))
    if name in importable():
        imported(name, tmp_path / "b", tmp_path / "c")
        columns = ["key", "view", "caption", "image_tokens"]
        table = read_shards([url], columns).sort_by("key").to_pylist()
        assert rows_of(tmp_path / "c", columns) == table


def test_nothing_is_overwritten(tmp_path):
    url = described_set(tmp_path / "a")
    exported("hf", url, tmp_path / "b")
    before = contents(tmp_path / "b")
    with pytest.raises(OutputError, match="is not empty"):
        exported("hf", url, tmp_path / "b")
    assert contents(tmp_path / "b") == before


def test_a_format_that_is_none_is_refused(tmp_path):
    url = described_set(tmp_path / "a")
    with pytest.raises(FormatError, match="did you mean `webdataset`"):
        exported("webdatset", url, tmp_path / "b")
    with pytest.raises(FormatError, match="there are hf, "):
        exported("zip", url, tmp_path / "b")
    with pytest.raises(FormatError, match="--column names one of image_tokens"):
        exported("hf", url, tmp_path / "b", column="image_tokens_other")
    assert not (tmp_path / "b").exists()


def test_a_set_without_rows_is_refused(tmp_path):
    url = write_token_set(tmp_path / "a", [])
    with pytest.raises(ShardError, match="no row to export"):
        exported("hf", url, tmp_path / "b")


@pytest.mark.parametrize("name", [n for n, form in FORMATS.items() if not form.takes_any_shape])
def test_shapes_of_rows_own_are_refused_where_a_format_has_one(tmp_path, name):
    rows = [row | {"token_shape": [3, 3]} for row in pair_rows(4)]
    url = write_token_set(tmp_path / "a", rows, token_shape=None, image_shape=None)
    with pytest.raises(FormatError, match="hf and webdataset take any"):
        exported(name, url, tmp_path / "b")


@pytest.mark.parametrize("name", [n for n, form in FORMATS.items() if not form.takes_codebooks])
def test_codebooks_are_refused_where_a_format_has_one(tmp_path, name):
    url = write_token_set(tmp_path / "a", pair_rows(4, size=18), codebooks=2)
    with pytest.raises(FormatError, match="2 codes at each position"):
        exported(name, url, tmp_path / "b")


@pytest.mark.parametrize("name", [n for n, form in FORMATS.items() if form.asks_classes])
def test_classes_are_said_and_never_made_up(tmp_path, name):
    url = described_set(tmp_path / "a", 4)
    with pytest.raises(FormatError, match="such as 0"):
        exported(name, url, tmp_path / "b")
    for column in ("score", "nothing"):
        with pytest.raises(FormatError, match=f"no column `{column}` of whole numbers"):
            exported(name, url, tmp_path / "b", classes=column)


def test_classes_are_refused_where_a_format_has_none(tmp_path):
    with pytest.raises(FormatError, match="--classes is not for hf"):
        exported("hf", described_set(tmp_path / "a"), tmp_path / "b", classes="0")


def test_the_result_in_words():
    assert str(TokenExport("out", "4m", "ml-4m", 20, 2)) == (
        "written  out (20 of 20 rows as 2 samples)\nread by  ml-4m"
    )
