"""How a score is spread over kept and dropped rows, and which rows are nearest to its limits."""

import pyarrow as pa
import pytest

from dalle_model import files
from orchestration.report import scores
from orchestration.report.scores import spreads
from pipelines.io import parquet
from pipelines.io.keys import shard_of
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest
from pipelines.records import IMAGE_SCHEMA, SELECTION_SCHEMA
from pipelines.rejection import REJECTION_SCHEMA
from pipelines.stage import Score
from tests.support.image_rows import Row, row

NUM_SHARDS, LIMIT = 2, 0.5
ROWS = [
    row(number) | {"key": f"{number:016x}{number:024x}", "value": number / 20}
    for number in range(20)
]
SCORE = Score("value", "too_low", lowest=LIMIT)


@pytest.fixture(params=[1, 4096])
def run(tmp_path, monkeypatch, request) -> RunFolder:
    """A selection that has dropped what is below the limit, beside the images it was made of."""
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", request.param)
    found = RunFolder(str(tmp_path), NUM_SHARDS)
    schema = SELECTION_SCHEMA.append(pa.field("value", pa.float32()))
    for index in range(NUM_SHARDS):
        shard = [one for one in ROWS if shard_of(one["key"], NUM_SHARDS) == index]
        gone = [one for one in shard if one["value"] < LIMIT]
        told = {"stage": "valued", "reason": "too_low", "threshold": LIMIT, "detail": ""}
        _write(found.stage("images").part(index), shard, IMAGE_SCHEMA)
        _write(found.stage("valued").part(index), [r for r in shard if r not in gone], schema)
        rejected = [one | told | {"measured": one["value"]} for one in gone]
        _write(found.stage("valued").rejected(index), rejected, REJECTION_SCHEMA)
    return found


def _write(url: str, rows: list[Row], schema: pa.Schema) -> None:
    named = [{name: one.get(name) for name in schema.names} for one in rows]
    files.write_bytes(url, parquet.to_bytes(pa.Table.from_pylist(named, schema=schema)))


def _manifest() -> Manifest:
    identity: Row = {"config": {}, "inputs": {}, "dependencies": {}}
    folder = RunFolder("", NUM_SHARDS).stage("valued")
    names = [folder.rejected(index).removeprefix(f"{folder.url}/") for index in range(NUM_SHARDS)]
    files = [{"name": name} for name in names]
    return Manifest("valued", "f", **identity, num_shards=NUM_SHARDS, rejected_files=files)


def test_kept_and_dropped_values_stand_on_their_sides_of_the_limit(run):
    (view,) = spreads(run.stage("valued"), _manifest(), [SCORE], run.stage("images"))
    assert sorted(view.kept) == pytest.approx([n / 20 for n in range(10, 20)])
    assert sorted(view.dropped) == pytest.approx([n / 20 for n in range(10)])
    assert view.limits == [LIMIT]
    assert "10 are beyond the limit 0.5" in view.about


def test_the_nearest_rows_are_shown_by_value_with_their_own_images(run, monkeypatch):
    monkeypatch.setattr(scores, "NEAREST", 2)
    (view,) = spreads(run.stage("valued"), _manifest(), [SCORE], run.stage("images"))
    assert [item.caption for item in view.nearest] == [
        "0.4  caption 8 0",
        "0.45  caption 9 0",
        "0.5  caption 10 0",
        "0.55  caption 11 0",
    ]
    assert [item.images[""] for item in view.nearest] == [ROWS[n]["image"] for n in range(8, 12)]
    assert [item.is_marked for item in view.nearest] == [True, True, False, False]


def test_without_a_limit_or_without_images_no_row_is_shown(run):
    open_ended = Score("value")
    (view,) = spreads(run.stage("valued"), _manifest(), [open_ended], run.stage("images"))
    assert (list(view.limits), list(view.nearest), len(view.dropped)) == ([], [], 0)
    assert "no limit" in view.about
    (view,) = spreads(run.stage("valued"), _manifest(), [SCORE], None)
    assert not view.nearest
    assert len(view.dropped) == 10


def test_a_limit_that_only_the_data_fix_is_read_off_what_was_dropped(run):
    (view,) = spreads(run.stage("valued"), _manifest(), [Score("value", "too_low")], None)
    assert view.limits == [LIMIT]
    assert "10 are beyond the limit 0.5" in view.about
