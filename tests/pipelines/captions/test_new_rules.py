"""A new rule is one file: two of them, written here, from a recipe to the explanation of a row."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline
from numpy.typing import NDArray

from dalle_model.errors import DalleError
from pipelines.captions.batch import Batch
from pipelines.captions.config import CaptionsConfig, dependencies
from pipelines.captions.corpus.explain import NOT_STORED, explain_row
from pipelines.captions.corpus.hashes import hash_texts
from pipelines.captions.corpus.items import Items
from pipelines.captions.corpus.registry import RULES as CORPUS_RULES
from pipelines.captions.corpus.rule import CorpusRule, ShardCaptions
from pipelines.captions.pipeline import build
from pipelines.captions.recount import Row, StageRows
from pipelines.captions.rules.registry import RULES
from pipelines.captions.rules.rule import Rule
from pipelines.captions.settings import Settings
from pipelines.captions.shard import check_caption
from pipelines.io.parquet import read_table
from pipelines.io.task import StageTask
from pipelines.rejection import Check
from tests.support.beam_tasks import tasks
from tests.support.captions.spread import spread

CAPTIONS = ["a dog, a cat, a hat", "a dog on a hill", "the sea at night", "a boat, at sea"]
PAIRS = [(f"http://a.test/{number}.png", caption) for number, caption in enumerate(CAPTIONS)]

# The rule on one caption.


def num_commas(batch: Batch) -> NDArray[np.float64]:
    return np.asarray(pc.count_substring(batch.text, ","), np.float64)


def before_commas(batch: Batch) -> list[str]:
    return [text.rpartition(",")[0] for text in batch.text.to_pylist()]


def comma_versions(settings: Settings) -> dict[str, str]:
    return {"commas": f"1 for {settings.language}"}


COMMAS = Rule("too_many_commas", num_commas, details=before_commas, versions=comma_versions)

# The rule over all data: what a caption begins with must begin some others too.


def first_words(captions: ShardCaptions) -> Items:
    words = [text.partition(" ")[0] for text in captions.filtered.texts.to_pylist()]
    return Items(hash_texts(words), np.arange(len(words)), lambda item: words[item])


def count_again(row: Row, rows: StageRows) -> float:
    first = row["caption"].split()[0]
    shards = (shard["caption"].to_pylist() for shard in rows.kept())
    return float(sum(text.partition(" ")[0] == first for texts in shards for text in texts))


BEGINNINGS = CorpusRule("rare_beginning", first_words, is_floor=True, recount=count_again)


@pytest.fixture
def _registered() -> Iterator[None]:
    RULES.register(COMMAS)
    CORPUS_RULES.register(BEGINNINGS)
    yield
    RULES.remove(COMMAS.name)
    CORPUS_RULES.remove(BEGINNINGS.name)


def recipe(folder: Path, lines: str) -> CaptionsConfig:
    path = folder / "own.yaml"
    path.write_text(f"about: a test of new rules\n{lines}")
    return CaptionsConfig(recipe=str(path))


def run(folder: Path, config: CaptionsConfig) -> StageTask:
    task = spread(folder, PAIRS, 3)
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        _ = build(tasks(pipeline, task), config)
    return task


def outcomes(task: StageTask, config: CaptionsConfig) -> dict[str, list[Check]]:
    """The checks of each row by its caption as found."""
    rows = [
        row
        for index in range(task.num_shards)
        for url in (task.part(index), task.rejected(index))
        for row in read_table(url).to_pylist()
    ]
    return {row.get("raw_caption", row["caption"]): explain_row(task, row, config) for row in rows}


@pytest.mark.usefixtures("_registered")
def test_a_rule_on_one_caption(tmp_path):
    entry = "{value: 1, source: chosen for the test}"
    config = recipe(tmp_path, f"rules:\n  too_many_commas: {entry}\n")
    assert dependencies(config)["commas"] == "1 for en"
    found = outcomes(run(tmp_path, config), config)
    assert found == {
        CAPTIONS[0]: [Check("too_many_commas", False, 2, 1, "a dog, a cat")],
        CAPTIONS[1]: [Check("too_many_commas", True, 0, 1, "")],
        CAPTIONS[2]: [Check("too_many_commas", True, 0, 1, "")],
        CAPTIONS[3]: [Check("too_many_commas", True, 1, 1, "a boat")],
    }


@pytest.mark.usefixtures("_registered")
def test_a_rule_over_all_data(tmp_path):
    entry = "{value: 2, source: chosen for the test}"
    config = recipe(
        tmp_path, f"rules: {{}}\ndata:\n  rare_beginning: {entry}\n  rare_types: {entry}\n"
    )
    found = outcomes(run(tmp_path, config), config)
    kept = [Check("rare_beginning", True, 3, 2), Check("rare_types", True, None, 2, NOT_STORED)]
    dropped = [Check("rare_beginning", False, 1, 2, "the")]
    assert found == {CAPTIONS[n]: dropped if n == 2 else kept for n in range(4)}


@pytest.mark.usefixtures("_registered")
def test_overrides_may_name_a_new_rule_and_messages_suggest_it():
    overrides = CaptionsConfig(overrides={"too_many_commas": 1, "rare_beginning": 2})
    assert "commas" in dependencies(overrides)
    with pytest.raises(DalleError, match="did you mean 'too_many_commas'"):
        dependencies(CaptionsConfig(overrides={"too_many_comma": 1}))


@pytest.mark.usefixtures("_registered")
def test_a_rule_that_was_written_anew_takes_the_place_of_the_old_one():
    config = CaptionsConfig(overrides={"too_many_commas": 1})
    assert check_caption(CAPTIONS[0], config)[-1].measured == 2
    RULES.remove(COMMAS.name)
    RULES.register(Rule(COMMAS.name, lambda batch: 2 * num_commas(batch)))
    assert check_caption(CAPTIONS[0], config)[-1].measured == 4


def test_a_rule_that_nobody_registered_is_unknown():
    with pytest.raises(DalleError, match="there is no 'too_many_commas'"):
        dependencies(CaptionsConfig(overrides={"too_many_commas": 1}))
