"""The captions stage, as a function and on Beam, beside its floor: the language identifier."""

import random
import tempfile

import apache_beam as beam
import pyarrow as pa

from benchmarks.measure import Row, race, speed
from dalle_model import files
from pipelines.captions import language
from pipelines.captions.config import CaptionsConfig
from pipelines.captions.filter import filter_shard
from pipelines.captions.pipeline import build
from pipelines.io.keys import pair_key
from pipelines.io.parquet import to_bytes
from pipelines.io.stage import StageTask, part_name
from pipelines.records import CANDIDATE_SCHEMA

NUM_CAPTIONS = 5_000
RECIPES = ("dalle", "conceptual_captions")

SUBJECTS = (
    "a brown dog",
    "two old men",
    "The harbour",
    "a red caf\u00e9",
    "boats",
    "a child",
    "birds",
)
ACTS = ("runs over", "stands near", "is painted on", "looks at", "sits beside", "waits behind")
PLACES = (
    "the green grass",
    "a wooden table",
    "an old town &amp; its river",
    "the hill",
    "a house",
    "a wall",
    "the sea",
)
ENDS = ("", "", "", "in the evening", "- Stock Photo", ", photographed on 12 May 2009", "at night")
OTHERS = (
    "IMG_2031.jpg",
    "Ein kleiner Hund l\u00e4uft durch den Wald",
    "stock photo",
    "SALE NOW ON",
)


def generated_captions(count: int) -> list[str]:
    """Seeded, 41 characters on average: 26 % with entity or accent, 13 % with a date, 10 % junk."""
    source = random.Random(0)
    parts = (SUBJECTS, ACTS, PLACES, ENDS)
    return [
        source.choice(OTHERS) if source.random() < 0.1 else " ".join(map(source.choice, parts))
        for _ in range(count)
    ]


def write_candidates(root: str, captions: list[str]) -> StageTask:
    """One shard of candidates, as the crawl stage leaves it."""
    rows = [
        {name: "" for name in CANDIDATE_SCHEMA.names if name != "encoded"}
        | {"key": pair_key(f"http://a.test/{n}.jpg", text), "caption": text}
        for n, text in enumerate(captions)
    ]
    table = pa.Table.from_pylist(rows, schema=CANDIDATE_SCHEMA)
    files.write_bytes(files.join(root, "crawl", part_name(0, 1)), to_bytes(table))
    return StageTask(root, "captions", 1, "benchmark", "0" * 64, (0,))


def measure() -> list[Row]:
    """Captions per CPU-second, reading and writing of shards included."""
    captions = generated_captions(NUM_CAPTIONS)
    return [row for recipe in RECIPES for row in _measure_recipe(captions, recipe)]


def _measure_recipe(captions: list[str], recipe: str) -> list[Row]:
    config = CaptionsConfig(recipe=recipe)
    with tempfile.TemporaryDirectory() as root:
        task = write_candidates(root, captions)
        kept = filter_shard(task, 0, config).kept.num_rows
        alone, on_beam, floor = race(
            lambda: filter_shard(task, 0, config),
            lambda: _on_beam(task, config),
            lambda: [language.guesses(text) for text in captions],
        )
    count, other = len(captions), "floor: language identifier alone"
    note = f"{kept} of {count} captions kept"
    return [
        speed(f"Captions, `{recipe}`", "captions", other, count, (alone, floor), note),
        speed(f"Captions, `{recipe}`, on Beam", "captions", other, count, (on_beam, floor)),
    ]


def _on_beam(task: StageTask, config: CaptionsConfig) -> None:
    pipeline = beam.Pipeline(runner="FnApiRunner")
    build(pipeline, task, config)
    pipeline.run().wait_until_finish()
