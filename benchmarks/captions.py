"""Captions per CPU-second of the captions stage, reading and writing of shards included.

Run: `OMP_NUM_THREADS=1 python -m benchmarks.captions [captions] [recipe]`. CPU seconds are of this
process; the floor beside them is the language identifier alone on the same captions.
"""

import random
import sys
import tempfile
import time

import apache_beam as beam
import pyarrow as pa

from dalle_model import files
from pipelines.captions import language
from pipelines.captions.config import CaptionsConfig
from pipelines.captions.filter import filter_shard
from pipelines.captions.pipeline import build
from pipelines.io.keys import pair_key
from pipelines.io.parquet import to_bytes
from pipelines.io.stage import StageTask, part_name
from pipelines.records import CANDIDATE_SCHEMA

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


def main(count: int = 20_000, recipe: str = "dalle") -> None:
    """Print the rates."""
    captions, config = generated_captions(count), CaptionsConfig(recipe=recipe)
    with tempfile.TemporaryDirectory() as root:
        task = write_candidates(root, captions)
        filter_shard(task, 0, config)  # models and patterns are loaded now
        start = time.process_time()
        result = filter_shard(task, 0, config)
        _print("filter_shard", count, time.process_time() - start)
        pipeline = beam.Pipeline(runner="FnApiRunner")
        build(pipeline, task, config)
        start = time.process_time()
        pipeline.run().wait_until_finish()
        _print("FilterCaptions on Beam", count, time.process_time() - start)
    start = time.process_time()
    for text in captions:
        language.guesses(text)
    _print("language identifier alone", count, time.process_time() - start)
    print(f"{result.kept.num_rows} kept of {count}, recipe {recipe}")


def _print(what: str, count: int, seconds: float) -> None:
    print(f"{what:28} {count / seconds:10,.0f} captions per CPU-second")


if __name__ == "__main__":
    main(*(kind(text) for kind, text in zip((int, str), sys.argv[1:], strict=False)))
