"""The captions stage on Beam, shards read and written, against a floor: one of its models."""

import gzip
import json
import math
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa

from benchmarks.measure import Row, race, size, speed
from dalle_model import files
from pipelines.captions.config import CaptionsConfig
from pipelines.captions.pipeline import build
from pipelines.captions.recipe import known_recipes, load_recipe
from pipelines.captions.rules import tags
from pipelines.io.keys import pair_key
from pipelines.io.parquet import read_table, to_bytes
from pipelines.io.task import StageTask
from pipelines.records import CANDIDATE_SCHEMA, CANDIDATES
from pipelines.text import language
from tests.support.beam_tasks import tasks

TEXTS = Path(__file__).parents[1] / "demo" / "texts.tsv.gz"
NUM_CAPTIONS = 60_000  # the runner takes 0.15 s to start, whatever the input
SCALE = (10_000, 100_000, 1_000_000)
SHARD_CAPTIONS = 50_000
MEMORY_GB = 2.0  # what a million captions may take

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


def real_texts() -> list[str]:
    """Alternative texts and titles, as their authors wrote them."""
    with gzip.open(TEXTS, "rt", encoding="utf-8") as lines:
        return [line.rstrip("\n").split("\t")[1] for line in lines][1:]


def write_candidates(root: str, captions: Sequence[str]) -> StageTask:
    """Shards of candidates, as the crawl stage leaves them."""
    count = math.ceil(len(captions) / SHARD_CAPTIONS)
    task = captions_task(root, count)
    for index in range(count):
        first = index * SHARD_CAPTIONS
        table = _candidates(captions[first : first + SHARD_CAPTIONS], first)
        files.write_bytes(task.input(CANDIDATES).part(index), to_bytes(table))
    return task


def captions_task(root: str, num_shards: int) -> StageTask:
    """The work of the captions stage on candidates that lie in the folder `crawl`."""
    return StageTask(
        root=root,
        stage="captions",
        num_shards=num_shards,
        attempt="benchmark",
        fingerprint="0" * 64,
        pending=tuple(range(num_shards)),
        inputs={CANDIDATES: (files.join(root, "crawl"),)},
    )


def _candidates(captions: Sequence[str], first: int) -> pa.Table:
    urls = [f"http://a.test/{first + n}.jpg" for n in range(len(captions))]
    columns: dict[str, Sequence[Any]] = {
        field.name: [None if field.nullable else ""] * len(captions) for field in CANDIDATE_SCHEMA
    }
    keys = [pair_key(url, caption) for url, caption in zip(urls, captions, strict=True)]
    columns |= {"key": keys, "url": urls, "caption": captions}
    return pa.table(columns, schema=CANDIDATE_SCHEMA).sort_by("key")


def measure() -> list[Row]:
    """Captions per CPU-second for every recipe without its tagger; cost and memory by size."""
    repeated = real_texts() * 6
    materials = {"generated": generated_captions(NUM_CAPTIONS), "real": repeated[:NUM_CAPTIONS]}
    rows = [
        _measure_recipe(f"{recipe}`, {name}", captions, untagged(recipe))
        for recipe in known_recipes()
        for name, captions in materials.items()
    ]
    return [*rows, *_measure_scale()]


def untagged(recipe: str) -> CaptionsConfig:
    """A recipe without the rules that need parts of speech or all data."""
    written = load_recipe(recipe)
    tagged = [rule.name for rule in tags.RULES if rule.name in written.rules]
    rewritten = [f"transformed_{rule}" for rule in written.transformed]
    names = [*tagged, *written.transform, *rewritten, *written.data]
    return CaptionsConfig(recipe=recipe, overrides=dict.fromkeys(names))


def _measure_recipe(name: str, captions: list[str], config: CaptionsConfig) -> Row:
    with tempfile.TemporaryDirectory() as root:
        task = write_candidates(root, captions)
        times = race(lambda: run(task, config), lambda: sum(1 for _ in language.guesses(captions)))
        kept = sum(read_table(task.part(index), ["key"]).num_rows for index in task.pending)
    other = "floor: language identifier alone, on all"
    note = f"{kept} of {len(captions)} captions kept"
    return speed(f"Captions, `{name}", "captions", other, len(captions), times, note)


def run(task: StageTask, config: CaptionsConfig) -> None:
    """The captions stage in this process."""
    pipeline = beam.Pipeline(runner="FnApiRunner")
    build(tasks(pipeline, task), config)
    pipeline.run().wait_until_finish()


def _measure_scale() -> list[Row]:
    costs, start_s, peak_gb = {}, 0.0, 0.0
    for count in SCALE:
        with tempfile.TemporaryDirectory() as root:
            write_candidates(root, generated_captions(count))
            command = [sys.executable, "-m", "benchmarks.captions_run", root]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        cpu_s, start_s, peak_gb = json.loads(done.stdout)
        costs[count] = (cpu_s - start_s) / count * 1e6
    return [_cost_row(costs, start_s), _memory_row(peak_gb)]


def _cost_row(costs: dict[int, float], start_s: float) -> Row:
    small, large = min(costs), max(costs)
    slope = math.log10(costs[large] / costs[small]) / math.log10(large / small)
    each = ", ".join(f"{cost:.1f} at {count:,}" for count, cost in costs.items())
    note = (
        f"{each}, beyond the {start_s:.2f} s that the runner takes for a few; "
        f"slope {slope:+.3f} of the cost's logarithm over that of their number"
    )
    name, other = f"Captions: CPU of one of {large:,}", f"ours, one of {small:,}"
    return size(name, "\u00b5s", other, costs[large], costs[small], note)


def _memory_row(peak_gb: float) -> Row:
    name = f"Captions: memory at its peak, {max(SCALE):,}"
    return size(name, "GB", "the most that it may take", peak_gb, MEMORY_GB)
