"""What a shard keeps and drops, and what it says of either; copies are found among other images."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.decontaminate.config import DecontaminateConfig
from pipelines.decontaminate.evidence_view import evidence
from pipelines.decontaminate.match import from_text
from pipelines.decontaminate.shard import CAPTION, COLUMN, IMAGE, SCHEMA, process_shard, row_checks
from pipelines.decontaminate.stage import STAGE
from pipelines.io.finish import finish_shard
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest
from pipelines.io.parquet import read_table
from pipelines.io.task import ShardReport, StageTask, Stopwatch
from pipelines.records import REFERENCES
from pipelines.references.describe import write_references
from tests.support import planted_copies
from tests.support.planted_copies import KINDS, outcome, write_run, write_set

pytestmark = pytest.mark.slow
ROWS, OF_SET = 300, 30
OF_EACH = OF_SET // len(KINDS)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> StageTask:
    """A run with a copy of each image of a set."""
    root = tmp_path_factory.mktemp("planted")
    task = write_run(root, ROWS, OF_SET)
    url = RunFolder(str(root)).stage(REFERENCES).file("references.parquet")
    write_references(url, [write_set(root, OF_SET)], None, lambda _: None)
    return replace(task, inputs={**task.inputs, REFERENCES: (url,)})


def written(task: StageTask, root: Path, **settings: object) -> tuple[StageTask, ShardReport]:
    config = DecontaminateConfig.model_validate(settings)
    moved = replace(task, root=str(root))
    return moved, finish_shard(moved, 0, process_shard(moved, 0, config), Stopwatch())


def test_copies_are_found_and_nothing_else(made: StageTask, tmp_path: Path) -> None:
    task, report = written(made, tmp_path)
    counts = outcome(task)
    assert counts["found"] == dict.fromkeys(KINDS, OF_EACH)
    assert not counts["wrongly"]
    assert report.reasons == {CAPTION: OF_EACH, IMAGE: 4 * OF_EACH}
    tallies = {"caption": OF_EACH, "file": OF_EACH, "look": 3 * OF_EACH}
    assert report.tallies == {f"{planted_copies.SET}: {by}": n for by, n in tallies.items()}


@pytest.mark.parametrize(
    ("drop", "num_dropped"),
    [("both", OF_SET), ("image", 4 * OF_EACH), ("caption", OF_EACH), ("none", 0)],
)
def test_a_match_that_is_kept_is_evidence_too(
    made: StageTask, tmp_path: Path, drop: str, num_dropped: int
) -> None:
    task, report = written(made, tmp_path, drop=drop)
    assert sum(report.reasons.values()) == num_dropped
    kept = read_table(task.part(0))
    assert kept.schema.equals(SCHEMA)
    told = kept.filter(kept[COLUMN].is_valid())
    assert told.num_rows == OF_SET - num_dropped
    assert kept.num_rows == ROWS - num_dropped
    for row in told.to_pylist():
        number = int(row["url"].rpartition("/")[2])
        assert from_text(row[COLUMN])[0].reference == f"val/{number:012d}.jpg"


def test_a_shard_is_the_same_each_time(made: StageTask, tmp_path: Path) -> None:
    reports = [written(made, tmp_path / name)[1] for name in ("one", "other")]
    assert reports[0].kept_file == reports[1].kept_file
    assert reports[0].rejected_file == reports[1].rejected_file


def test_the_rules_tell_of_a_row_what_was_measured(made: StageTask, tmp_path: Path) -> None:
    task, _ = written(made, tmp_path)
    for row in read_table(task.rejected(0)).to_pylist():
        (check,) = row_checks(task, row, DecontaminateConfig())
        assert not check.passed
        assert (check.reason, check.measured) == (row["reason"], row["measured"])
        (lenient,) = row_checks(task, row, DecontaminateConfig(drop="none"))
        assert lenient.passed
    kept = read_table(task.part(0)).to_pylist()[0]
    assert row_checks(task, kept, DecontaminateConfig()) == []


def test_rows_stand_beside_what_they_match(made: StageTask, tmp_path: Path) -> None:
    """The images of the run are found where the run has them: beside the stage."""
    task = replace(made, stage="decontaminate")
    run = RunFolder(made.root, made.num_shards)
    for folder in ("images", "references"):
        (Path(made.root) / folder).mkdir(exist_ok=True)
    (Path(made.root) / "images" / Path(run.stage("images").part(0)).name).write_bytes(
        Path(made.input("images").part(0)).read_bytes()
    )
    report = finish_shard(
        task, 0, process_shard(task, 0, DecontaminateConfig(drop="image")), Stopwatch()
    )
    manifest = Manifest.of_shards(
        [report], 1, stage="decontaminate", fingerprint="", config={}, inputs={}, dependencies={}
    )
    views = {view.title: view for view in evidence(task.folder, manifest)}
    assert [title.split()[0] for title in views] == ["Files", "Images", "Captions"]
    for view in views.values():
        assert {pair.is_marked for pair in view.items} == {"Captions" not in view.title}
        for pair in view.items:
            assert pair.left.image
            assert pair.right.image
            assert pair.right.text
    look = views["Images that look like one of an evaluation set, the farthest first"]
    assert look.about.startswith("12 of 18 matches")


def test_the_stage_states_the_columns_that_it_writes() -> None:
    assert STAGE.writes.schema is not None
    assert STAGE.writes.schema.equals(SCHEMA)


def test_short_captions_are_not_told_to_share_long_sequences() -> None:
    with pytest.raises(ValueError, match="min_words is 9 and ngram 8"):
        DecontaminateConfig(min_words=9)
