import pyarrow as pa
import pytest

from dalle_model.shards import image_of
from pipelines.captions.config import CaptionsConfig
from pipelines.captions.corpus.explain import NOT_STORED, explain_row, explain_text
from pipelines.captions.corpus.failing import failing_by_shard
from pipelines.captions.corpus.shard import count_shard, drop_shard
from pipelines.captions.corpus.shard_tallies import pack, unpack
from pipelines.captions.corpus.tally import Tally, merge
from pipelines.captions.corpus.text_of_many_images import images_of_text
from pipelines.captions.recipe import load_funnel
from pipelines.io.finish import finish_shard
from pipelines.io.keys import pair_key
from pipelines.io.parquet import read_table
from pipelines.io.task import StageTask, Stopwatch
from pipelines.rejection import Check
from tests.support.captions.funnels import corpus_rule
from tests.support.captions.spread import spread

CONFIG = CaptionsConfig(
    overrides={"image_with_many_texts": 3, "rare_ngrams": 100, "text_of_many_images": 2}
)
MANY = [("http://a.test/many.png", f"a dog on the beach {n}") for n in range(4)]
SHARED = [(f"http://a.test/{n}.png", "a red house on the hill") for n in range(3)]
KEPT = [(f"http://a.test/{n}.png", "a boat on the wide sea") for n in range(2)]
JUNK = [("http://a.test/0.png", "IMG_2031.jpg")]


@pytest.fixture(scope="module")
def task(tmp_path_factory) -> StageTask:
    """A stage done without Beam: what `CountCaptions`, `FindFailing` and `DropFailing` do."""
    task = spread(tmp_path_factory.mktemp("run"), [*MANY, *SHARED, *KEPT, *JUNK], 3)
    limits = load_funnel(CONFIG.recipe, CONFIG.overrides).data
    tallies = [count_shard(task, index, CONFIG) for index in range(3)]
    failing: dict[int, list[tuple[str, Tally]]] = {index: [] for index in range(3)}
    name = "text_of_many_images"
    counts = pack([(n, tally[name]) for n, tally in enumerate(tallies) if name in tally])
    found = failing_by_shard([counts], corpus_rule(name), limits[name], merge([]))
    for shard, tally in unpack(found):
        failing[shard].append((name, tally))
    for index in range(3):
        finish_shard(task, index, drop_shard(task, index, failing[index], CONFIG), Stopwatch())
    return task


def checks_of(task: StageTask, pair: tuple[str, str]) -> dict[str, Check]:
    for index in range(task.num_shards):
        for place in (task.part(index), task.rejected(index)):
            for row in read_table(place).to_pylist():
                if row["key"] == pair_key(*pair):
                    return {check.reason: check for check in explain_row(task, row, CONFIG)}
    raise AssertionError(f"{pair} is nowhere")


def test_a_kept_row_shows_the_images_of_its_text_and_the_texts_of_its_image(task):
    checks = checks_of(task, KEPT[0])
    assert [check for check in checks.values() if not check.passed] == []
    expected = [
        Check("image_with_many_texts", True, 3, 3),
        Check("rare_ngrams", True, None, 100, NOT_STORED),
        Check("text_of_many_images", True, 2, 2),
    ]
    assert [checks[check.reason] for check in expected] == expected


def test_a_row_dropped_over_all_data_shows_what_was_stored(task):
    checks = checks_of(task, SHARED[0])
    failed = [check for check in checks.values() if not check.passed]
    assert failed == [Check("text_of_many_images", False, 3, 2, "a red house on the hill")]


def test_an_image_with_many_texts_is_counted_in_the_candidates(task):
    checks = checks_of(task, MANY[0])
    failed = [check for check in checks.values() if not check.passed]
    assert failed == [Check("image_with_many_texts", False, 4, 3)]
    assert "text_of_many_images" not in checks


def test_a_row_dropped_alone_shows_nothing_over_all_data(task):
    checks = checks_of(task, JUNK[0])
    assert not checks["file_name"].passed
    assert "text_of_many_images" not in checks


def test_images_of_a_text_are_counted_once():
    keys = [pair_key("a", "one"), pair_key("a", "One"), pair_key("b", "one"), pair_key("c", "two")]
    table = pa.table({"key": keys, "caption": ["one", "one", "one", "two"]})
    assert images_of_text(table, "one") == {image_of(keys[0]), image_of(keys[2])}


def test_a_text_with_half_a_character_is_explained_without_it() -> None:
    checks, becomes = explain_text("a dog\udcff on the beach", CaptionsConfig())
    assert (checks, becomes) == explain_text("a dog on the beach", CaptionsConfig())
