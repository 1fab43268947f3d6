"""The stage on Beam, with scores that are known: books, exact shares, resuming and reuse."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from dalle_model import files
from pipelines.io import parquet
from pipelines.io.task import finished_shards
from pipelines.records import IMAGE_SCHEMA, IMAGES, SELECTION, SELECTION_SCHEMA
from pipelines.similarity.config import SimilarityConfig
from pipelines.similarity.explain import checks_of
from pipelines.similarity.stage import STAGE
from pipelines.stage import Job
from tests.support.image_rows import row
from tests.support.scorers import scored, write_scorer
from tests.support.stages import run_on_beam
from tests.support.tasks import stage_task

NUM_ROWS, NUM_SHARDS = 60, 3
BROKEN, NO_SCORE = 7, 11


@pytest.fixture(autouse=True)
def scorer(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(write_scorer(tmp_path / "packages")))
    return tmp_path / "scored"


@pytest.fixture
def config(scorer):
    return SimilarityConfig(scorer=f"told:{scorer}", keep=0.3)


def value(number: int) -> float:
    return float("nan") if number == NO_SCORE else number // 4 / 20  # four rows of each score


def image_rows():
    for number in range(NUM_ROWS):
        made = row(number, image=b"broken" if number == BROKEN else None)
        made |= {"caption": f"a caption that says {value(number)}", "sha256": f"{number:064x}"}
        yield made


def write_inputs(root, stage="similarity"):
    task = stage_task(root, stage, NUM_SHARDS)
    for index in range(NUM_SHARDS):
        rows = list(image_rows())[index::NUM_SHARDS]
        survivors = [{name: r[name] for name in SELECTION_SCHEMA.names} for r in rows]
        for role, content, schema in (
            (IMAGES, rows, IMAGE_SCHEMA),
            (SELECTION, survivors[index:], SELECTION_SCHEMA),  # of shard 1 all but its first row
        ):
            table = pa.Table.from_pylist(content, schema=schema)
            files.write_bytes(task.input(role).part(index), parquet.to_bytes(table))
    return task


def run(task, config):
    return run_on_beam(STAGE, Job(task, config))


def rows_of(task, url):
    parts = [url(index) for index in range(task.num_shards)]
    return pa.concat_tables([parquet.read_table(part) for part in parts]).to_pylist()


def kept(task):
    return {int(r["key"][:24], 16): r for r in rows_of(task, task.part)}


def rejected(task):
    return {int(r["key"][:24], 16): r for r in rows_of(task, task.rejected)}


def contents(task):
    urls = [url(index) for index in range(task.num_shards) for url in (task.part, task.rejected)]
    return [files.read_bytes(url) for url in urls]


def test_exactly_a_share_of_the_scored_rows_is_kept(config, tmp_path):
    task = write_inputs(tmp_path)
    counters = run(task, config)
    good = [n for n in range(NUM_ROWS) if n not in (BROKEN, NO_SCORE, 1, 2, 5)]
    number = int(0.3 * len(good))
    assert counters == {"rows_in": 57, "rows_out": number, "not_among_best": 39, "no_score": 2}
    least = sorted(map(value, good))[-number]
    assert {n for n in good if value(n) > least} < set(kept(task))
    assert {value(n) for n in kept(task)} == {v for v in map(value, good) if v >= least}
    assert all(r["clip_score"] == np.float32(value(n)) for n, r in kept(task).items())
    lost = rejected(task)
    assert lost[BROKEN]["detail"] == "UnidentifiedImageError"
    assert lost[NO_SCORE]["detail"] == "the scorer says nan"
    behind = [r for r in lost.values() if r["reason"] == "not_among_best"]
    assert {r["threshold"] for r in behind} == {float(np.float32(least))}
    assert all(r["measured"] <= r["threshold"] for r in behind)


def test_no_limit_keeps_all_scores(config, tmp_path):
    task = write_inputs(tmp_path)
    counters = run(task, config.model_copy(update={"keep": None}))
    assert counters == {"rows_in": 57, "rows_out": 55, "no_score": 2}
    assert parquet.read_schema(task.part(0)).names[-2:] == ["clip_score", "clip_score_of"]


def test_limits_by_language_and_a_share(config, tmp_path):
    task = write_inputs(tmp_path)
    limits = {"en": 0.4, "fr": 0.1, "other": 0.0}
    both = config.model_copy(update={"keep": 0.9, "min": limits})
    run(task, both)
    lost = rejected(task)
    english = [n for n, r in lost.items() if r["reason"] == "below_min"]
    assert english
    assert {lost[n]["threshold"] for n in english} == {float(np.float32(0.4))}
    assert {lost[n]["detail"][-11:] for n in english} == {"language en"}
    assert all(value(n) < 0.4 for n in english)
    assert min(r["clip_score"] for r in kept(task).values()) == np.float32(0.4)


def test_a_run_that_was_killed_scores_nothing_twice(config, scorer, tmp_path):
    undisturbed = write_inputs(tmp_path / "one")
    run(undisturbed, config)
    once = sorted(scored(scorer))
    assert len(once) == 57 - 1  # of the broken image there is nothing to score
    task = write_inputs(tmp_path / "other")
    files.remove(task.input(IMAGES).part(2))
    with pytest.raises(Exception, match="part-00002-of-00003"):
        run(task, config)
    noted = len(scored(scorer)) - len(once)
    write_inputs(tmp_path / "other")
    run(task, config)
    assert noted > 0
    assert sorted(scored(scorer)) == sorted(once * 2)
    assert contents(task) == contents(undisturbed)


def test_a_finished_shard_still_counts(config, tmp_path):
    task = write_inputs(tmp_path)
    run(task, config)
    before, (report, *_) = contents(task), finished_shards(task).values()
    files.remove(task.folder.marker(report.index))
    run(replace(task, pending=(report.index,)), config)
    assert contents(task) == before


def test_another_limit_takes_every_score_from_before(config, scorer, tmp_path):
    first = write_inputs(tmp_path / "first")
    run(first, config)
    before = len(scored(scorer))
    fresh, changed = write_inputs(tmp_path / "fresh"), config.model_copy(update={"keep": 0.5})
    run(replace(fresh, earlier=(first.folder.url,)), changed)
    again = scored(scorer)[before:]
    assert [text.rpartition(" ")[2] for text in again] == ["nan"]  # which never had one
    alone = write_inputs(tmp_path / "alone")
    run(alone, changed)
    assert contents(fresh) == contents(alone)
    assert sum(r.timing["reused"] for r in finished_shards(fresh).values()) == 55


def test_every_row_is_explained(config, tmp_path):
    task = write_inputs(tmp_path)
    both = config.model_copy(update={"min": 0.2, "keep": 0.5})
    run(task, both)
    for found in kept(task).values():
        checks = checks_of(found, both)
        assert [check.reason for check in checks] == ["below_min", "not_among_best"]
        assert all(check.passed for check in checks)
    for found in rejected(task).values():
        (*passed, last) = checks_of(found, both)
        assert all(check.passed for check in passed)
        assert not last.passed
        assert (last.reason, last.measured) == (found["reason"], found["measured"])
