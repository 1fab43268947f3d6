"""Exports: whole, the same bytes again, on where they stopped, and refused where a set is more."""

from collections.abc import Mapping

import pytest

from dalle_model.shards import ShardError
from orchestration.engine.progress import Quiet
from orchestration.token_formats.exporting import TokenExport
from orchestration.token_formats.facts import read_facts
from orchestration.token_formats.format import FormatError
from orchestration.token_formats.registry import FORMATS
from orchestration.token_sets.output import OutputError
from tests.support.token_formats import contents, described_set, exported
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

    def __init__(self, shards: int) -> None:
        self.shards = shards

    def step(self, step: int, total: int, metrics: Mapping[str, float] = {}, /) -> None:
        if step == self.shards:
            raise KeyboardInterrupt


@pytest.mark.parametrize("name", FORMATS)
def test_an_interrupted_export_goes_on_to_the_same_bytes(tmp_path, name):
    url, given = described_set(tmp_path / "a"), classes_for(name)
    exported(name, url, tmp_path / "whole", **given)
    for shards in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            exported(name, url, tmp_path / "again", progress=Interrupting(shards), **given)
        assert read_facts(str(tmp_path / "again")) is None
    other = described_set(tmp_path / "other", 30)
    with pytest.raises(OutputError, match="not the interrupted work of this very command"):
        exported(name, other, tmp_path / "again", **given)
    exported(name, url, tmp_path / "again", **given)
    assert contents(tmp_path / "again") == contents(tmp_path / "whole")


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
