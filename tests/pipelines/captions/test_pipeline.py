"""Rules over all data: whatever the shards, the order and the interruptions, the same results."""

import random
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise

import pytest
from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline

from dalle_model import files
from pipelines.captions import shard as filter
from pipelines.captions.config import CaptionsConfig
from pipelines.captions.corpus import shard as work
from pipelines.captions.corpus.shard import count_shard
from pipelines.captions.pipeline import build
from pipelines.io.parquet import read_table
from pipelines.io.task import StageTask, finished_shards
from tests.support.beam_tasks import tasks
from tests.support.captions.spread import spread

RANKS = 40
CONFIG = CaptionsConfig(overrides={"text_of_many_images": 2, "rare_ngrams": RANKS})
_RNG = random.Random(4)
_NOUNS = ["dog", "cat", "house", "beach", "tree", "boat", "child", "road"]
TEXTS = [f"a {one} beside the {two} today" for one in _NOUNS for two in _NOUNS if one != two]
PAIRS = sorted(
    {(f"http://a.test/{_RNG.randrange(60)}.png", text) for text in TEXTS * 2}
    | {(f"http://a.test/{n}.png", "a red house on the hill") for n in range(3)}
    | {(f"http://a.test/{n}.png", "a red boat on the sea") for n in range(2)}
    | {("http://a.test/0.png", "A  red boat on the sea"), ("http://a.test/1.png", "IMG_2031.jpg")}
)


def run(task: StageTask, config: CaptionsConfig = CONFIG) -> None:
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        _ = build(tasks(pipeline, task), config)


def rows(task: StageTask) -> tuple[set[str], dict[str, tuple[str, float, str]]]:
    """Keys kept, and reason, value and detail of those dropped."""
    kept, dropped = set(), {}
    for index in range(task.num_shards):
        kept |= set(read_table(task.part(index))["key"].to_pylist())
        for row in read_table(task.rejected(index)).to_pylist():
            dropped[row["key"]] = (row["reason"], row["measured"], row["detail"])
    return kept, dropped


def output(task: StageTask) -> dict[str, bytes]:
    places = [p(i) for i in range(task.num_shards) for p in (task.part, task.rejected)]
    return {place.removeprefix(task.root): files.read_bytes(place) for place in places}


def counted_plainly() -> tuple[dict[str, int], dict[tuple[str, ...], int]]:
    """Images of each text, and the rank of each n-gram, with dictionaries and loops."""
    images: dict[str, set[str]] = defaultdict(set)
    ngrams: Counter[tuple[str, ...]] = Counter()
    for image, raw in PAIRS:
        words = raw.lower().replace(".", " ").split()
        ngrams.update([*((word,) for word in words), *pairwise(words)])
        if "jpg" not in raw:
            images[" ".join(raw.split())].add(image)
    ranks = {g: sum(other >= n for other in ngrams.values()) for g, n in ngrams.items()}
    return {text: len(found) for text, found in images.items()}, ranks


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> StageTask:
    """An undisturbed run over three shards."""
    task = spread(tmp_path_factory.mktemp("whole"), PAIRS, 3)
    run(task)
    return task


def test_results_are_those_of_a_plain_count(whole):
    kept, dropped = rows(whole)
    images, ranks = counted_plainly()
    reasons = Counter(reason for reason, _, _ in dropped.values())
    assert reasons["text_of_many_images"] >= 3
    assert reasons["rare_ngrams"] > 10
    assert len(kept) > 10
    for index in range(whole.num_shards):
        for caption in read_table(whole.part(index))["caption"].to_pylist():
            words = caption.split()
            assert images[caption] <= 2
            assert max(ranks[g] for g in [*((w,) for w in words), *pairwise(words)]) <= RANKS
    for reason, measured, detail in dropped.values():
        if reason == "text_of_many_images":
            assert measured == images[detail] > 2
        if reason == "rare_ngrams":
            assert measured == ranks[tuple(detail.split())] > RANKS


def test_the_number_of_shards_and_the_order_of_rows_do_not_matter(whole, tmp_path):
    single = spread(tmp_path, random.Random(1).sample(PAIRS, len(PAIRS)), 1)
    run(single)
    assert rows(single) == rows(whole)
    assert finished_shards(single)[0].rows_in == len(PAIRS)


def test_a_run_goes_on_from_its_notes_to_the_same_bytes(whole, tmp_path, monkeypatch):
    resumed = spread(tmp_path, PAIRS, 3)
    count_shard(replace(resumed, attempt="before"), 1, limited(text_of_many_images=1))
    for index in (0, 2):
        count_shard(resumed, index, CONFIG)
    files.remove(resumed.note(2, "counts"))  # killed between the two notes of shard 2
    filtered = []
    filter_candidates = filter.filter_candidates

    def watched(texts, funnel):
        filtered.append(texts)
        return filter_candidates(texts, funnel)

    monkeypatch.setattr(work, "filter_candidates", watched)
    run(replace(resumed, pending=(1,)))
    assert len(filtered) == 2  # those of another attempt are not believed
    assert set(finished_shards(resumed)) == {1}
    run(replace(resumed, pending=(0, 2)))
    assert len(filtered) == 2  # all counts are noted, those of the finished shard too
    assert output(resumed) == output(whole)


def limited(**limits: float) -> CaptionsConfig:
    return CaptionsConfig(overrides={**limits})


def test_images_with_many_texts_go_before_texts_are_counted(tmp_path):
    pairs = [("http://a.test/many.png", f"a dog on the beach {n}") for n in range(4)]
    pairs += [("http://a.test/few.png", pairs[0][1]), ("http://a.test/one.png", pairs[0][1])]
    task = spread(tmp_path, pairs, 4)  # some without any caption
    run(task, limited(text_of_many_images=2, image_with_many_texts=3))
    kept, dropped = rows(task)
    assert len(kept) == 2
    assert {(reason, n) for reason, n, _ in dropped.values()} == {("image_with_many_texts", 4)}
    assert set(finished_shards(task)) == {0, 1, 2, 3}
