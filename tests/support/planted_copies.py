"""`python -m tests.support.planted_copies N [OUT]`: decontamination of N images of real size.

An evaluation set of one image to fifty of the run is generated in COCO's layout. Of its first
images copies are planted among those of the run, one kind after the other: scaled, cropped by 5 %,
recompressed, under another caption, and, beside another image, the caption with words before and
behind it. The set goes through the references stage, the run through the decontaminate stage with
the default settings. Prints what was found and wrongly found, by kind, and what it took; with OUT,
the files stay there.
"""

import io
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
from PIL import Image

from dalle_model import files
from dalle_model.pixels import to_png
from pipelines.decontaminate.config import DecontaminateConfig
from pipelines.decontaminate.match import from_text
from pipelines.decontaminate.shard import process_shard
from pipelines.image_sets.config import ImageSet
from pipelines.images.config import ImagesConfig
from pipelines.images.measure import measure
from pipelines.io import parquet
from pipelines.io.finish import finish_shard
from pipelines.io.keys import shard_of
from pipelines.io.task import StageTask, Stopwatch
from pipelines.records import IMAGE_SCHEMA, IMAGES, REFERENCES, SELECTION
from pipelines.references.describe import write_references
from pipelines.sameness.hashes import describe
from tests.support.photographs import jpeg, miniature
from tests.support.tasks import stage_task

KINDS = ("scaled", "cropped", "recompressed", "recaptioned", "reworded")
SET = "generated"
SHARE = 50  # images of the run for one of the set
ROWS_PER_SHARD = 2500
CONFIG = ImagesConfig(resize="lanczos")

_ADJECTIVES = ("old", "small", "bright", "quiet", "wooden", "yellow", "narrow", "painted")
_THINGS = ("boat", "house", "bridge", "garden", "street", "mountain", "river", "tower")
_VERBS = ("stands", "leans", "shines", "rests", "waits", "appears", "turns", "sleeps")
_PLACES = ("harbour", "lake", "village", "forest", "city", "coast", "market", "island")
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]


def caption(number: int, of_set: bool = False) -> str:
    """A sentence of 12 words, with four names in it: no two numbers share eight words in a row."""
    chance = random.Random(f"{number} {of_set}")
    names = ["".join(chance.choices(_SYLLABLES, k=3)).title() for _ in range(4)]
    a, b, c, d = map(chance.choice, (_ADJECTIVES, _THINGS, _VERBS, _PLACES))
    return f"the {a} {names[0]} {b} {c} by {names[1]} {d} with {names[2]} and {names[3]}"


def planted(number: int, num_planted: int) -> str:
    """The kind of the copy that a number of the run is; empty for an image of its own."""
    return KINDS[number % len(KINDS)] if number < num_planted else ""


def copy_of(kind: str, number: int) -> bytes:
    """A copy of an image of the set as a file; for `reworded`, another image."""
    if kind == "reworded":
        return jpeg(2_000_000 + number)
    if kind == "recaptioned":
        return jpeg(number)
    image = Image.open(io.BytesIO(jpeg(number))).convert("RGB")
    if kind == "scaled":
        image = image.resize((image.width * 7 // 10, image.height * 7 // 10))
    if kind == "cropped":
        left, top = [(image.width // 20, 0), (0, image.height // 20)][number // len(KINDS) % 2]
        image = image.crop((left, top, image.width, image.height))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=50 if kind == "recompressed" else 85)
    return buffer.getvalue()


def row(number: int, num_planted: int) -> dict[str, Any]:
    """A row of the run; its URL says what it is."""
    kind = planted(number, num_planted)
    text = caption(number)
    if kind == "reworded":
        text = f"Sale! {caption(number, of_set=True).upper()}, framed"
    if kind:
        encoded = copy_of(kind, number)
        found = measure(encoded, CONFIG)
        width, height, pixels, stored = found.width, found.height, found.pixel_hash, found.stored
        digest = files.sha256(encoded)
    else:  # of which no file is made: no two are the same
        stored, width, height = miniature(1_000_000 + number, CONFIG.stored_side)
        pixels, digest = f"{number:032x}", f"{number:064x}"
    made: dict[str, Any] = dict.fromkeys(IMAGE_SCHEMA.names, "")
    made |= {
        "key": files.sha256(f"{number}".encode())[:40],
        "url": f"http://{kind or 'own'}.test/{number}",
        "caption": text,
        "image": to_png(stored) if kind else b"",
        "full_image": None,
        "width": width,
        "height": height,
        "sha256": digest,
        "pixel_hash": pixels,
    }
    return made | describe(stored)


def write_set(root: Path, size: int) -> ImageSet:
    """The evaluation set, in COCO's layout."""
    folder = root / "coco"
    (folder / "val").mkdir(parents=True)
    (folder / "annotations").mkdir()
    names = [f"{number:012d}.jpg" for number in range(size)]
    for number, name in enumerate(names):
        (folder / "val" / name).write_bytes(jpeg(number))
    document = {
        "images": [{"id": number, "file_name": name} for number, name in enumerate(names)],
        "annotations": [
            {"id": number, "image_id": number, "caption": caption(number, of_set=True)}
            for number in range(size)
        ],
    }
    (folder / "annotations" / "captions_val.json").write_text(json.dumps(document))
    return ImageSet(path=str(folder), name=SET)


def write_run(root: Path, count: int, num_planted: int) -> StageTask:
    """Image shards of a run, and the task of the stage."""
    num_shards = -(-count // ROWS_PER_SHARD)
    task = stage_task(root, "decontaminate", num_shards)
    inputs = {IMAGES: task.inputs[IMAGES], REFERENCES: (f"{root}/references.parquet",)}
    task = StageTask(**{**task.__dict__, "inputs": {**inputs, SELECTION: ()}})
    shards: list[list[dict[str, Any]]] = [[] for _ in range(num_shards)]
    for number in range(count):
        made = row(number, num_planted)
        shards[shard_of(made["key"], num_shards)].append(made)
    for index, rows in enumerate(shards):
        table = pa.Table.from_pylist(rows, IMAGE_SCHEMA).sort_by("key")
        files.write_bytes(task.input(IMAGES).part(index), parquet.to_bytes(table))
    return task


def run(task: StageTask, config: DecontaminateConfig) -> None:
    """Write all shards of the stage."""
    for index in range(task.num_shards):
        finish_shard(task, index, process_shard(task, index, config), Stopwatch())


def outcome(task: StageTask) -> dict[str, Counter[str]]:
    """Of the rows planted and of the others, by kind: how many there are, and how many were found.

    A copy is found where the first reference of its evidence is what it is a copy of.
    """
    counts = {"planted": Counter[str](), "found": Counter[str](), "wrongly": Counter[str]()}
    for index in range(task.num_shards):
        for url in parquet.read_table(task.part(index), ["url"])["url"].to_pylist():
            counts["planted"][_kind(url)] += 1
        for line in parquet.read_table(task.rejected(index)).to_pylist():
            kind, number = _kind(line["url"]), int(line["url"].rpartition("/")[2])
            counts["planted"][kind] += 1
            first = from_text(line["detail"])[0]
            is_right = kind != "own" and first.reference == f"val/{number:012d}.jpg"
            counts["found" if is_right else "wrongly"][kind] += 1
    return counts


def _kind(url: str) -> str:
    return url.removeprefix("http://").partition(".")[0]


def main(count: int, folder: str) -> None:
    root, num_planted = Path(folder), min(200, count // SHARE)
    started = time.perf_counter()
    one = write_set(root, count // SHARE)
    task = write_run(root, count, num_planted)
    say(f"{count:,} rows, {count // SHARE:,} references: {time.perf_counter() - started:.0f} s")
    before, wall = _cpu(), time.perf_counter()
    counted = write_references(task.url(REFERENCES), [one], None, lambda _: None)
    say(f"described: {counted}, {_cpu() - before:.1f} CPU s, {time.perf_counter() - wall:.1f} s")
    before = _cpu()
    run(task, DecontaminateConfig())
    spent = _cpu() - before
    say(f"compared: {spent:.1f} CPU s, {spent / count * 1e6:.0f} us a row")
    found = outcome(task)
    for kind in KINDS:
        say(f"{kind:12} {found['found'][kind]} of {found['planted'][kind]} found")
    say(f"wrongly found: {dict(found['wrongly'])} of {found['planted']['own']:,} others")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _cpu() -> float:
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, both))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else temporary)
