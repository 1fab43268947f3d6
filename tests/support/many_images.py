"""`python -m tests.support.many_images [against] N ...`: the dedupe stage, and what it costs.

The images are drawn as 16x16 cells, by a spectrum that falls as those of photographs do, and are
never larger: sketches, hashes and thumbnails are made of the cells as the images stage makes them.
Of 100 images five are copies: equal, scaled, compressed, cropped by 5 %, with a border, marked; all
are smaller than what they are copies of. Prints CPU seconds, memory, and which copies were found.

With `against`, the pictures are a finished run of another number of shards, and the run itself has
their copies beside N other images, of which five of 100 are copies, too.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dalle_model import files
from pipelines.dedupe.against import FinishedRun
from pipelines.io import parquet
from pipelines.io.layout import StageFolder
from pipelines.io.task import StageTask
from pipelines.records import IMAGE_SCHEMA, IMAGES
from pipelines.sameness import hashes
from tests.support.tasks import stage_task

KINDS = ("equal", "scale", "jpeg", "crop", "border", "mark")
COPIES = 20  # one in so many images is a copy
ROWS_PER_SHARD = 10_000
BATCH = 5_000
EDGE = 16

Cells = npt.NDArray[np.float64]  # (images, 16, 16, 3)


def pictures(count: int, chance: np.random.Generator) -> Cells:
    """Pictures whose waves are weaker the shorter they are."""
    waves = chance.normal(size=(count, 3, EDGE, EDGE))
    strength = 1 / (1 + np.hypot(*np.mgrid[:EDGE, :EDGE])) ** 1.3
    basis = hashes._cosines(EDGE, EDGE)
    drawn = np.einsum("uy,ncuv,vx->nyxc", basis, waves * strength, basis, optimize=True)
    grey = drawn[..., :1] + 0.4 * drawn
    contrast = chance.uniform(15, 60, (count, 1, 1, 1))
    return (128 + chance.normal(0, 30, (count, 1, 1, 3)) + contrast * grey).clip(0, 255)


def copies(kind: str, originals: Cells, chance: np.random.Generator) -> Cells:
    """A copy of each picture; one with a border is given without it."""
    noise = {"scale": 0.7, "jpeg": 2.5, "equal": 0.0}.get(kind, 1.5)
    changed = originals
    if kind == "crop":
        cuts = chance.choice([0, 0.025, 0.05], (2, 2))
        cuts[:, 1] = np.minimum(cuts[:, 1], 0.05 - cuts[:, 0])
        down, across = (hashes.resampling(*cut) for cut in cuts)
        changed = np.einsum("iy,nyxc,jx->nijc", down, originals, across, optimize=True)
    if kind == "mark":
        changed = originals.copy()
        row, column = chance.integers(1, 13), chance.integers(0, 5)
        part = changed[:, row : row + 2, column : column + 10]
        changed[:, row : row + 2, column : column + 10] = 0.85 * part + 0.15 * 255
    return (changed + chance.normal(0, noise, changed.shape)).clip(0, 255)


def columns(cells: Cells, border: bool) -> tuple[list[bytes], list[bytes], list[int]]:
    """`sketch`, `thumbnail` and `phash` of pictures; of one with a border, of both its views."""
    seen = cells
    if border:
        seen = np.zeros_like(cells)
        seen[:, 1:15, 1:15] = cells[:, 1:15, 1:15]
    views = [np.rint(view).astype(np.uint8) for view in ([seen, cells] if border else [cells])]
    sketched = [_sketches(view) for view in views]
    sketches = [b"".join(parts) for parts in zip(*(s for s, _ in sketched), strict=True)]
    thumbnails = [b"".join(view[n].tobytes() for view in views) for n in range(len(cells))]
    return sketches, thumbnails, sketched[0][1].tolist()


def _sketches(view: npt.NDArray[np.uint8]) -> tuple[list[bytes], npt.NDArray[np.uint64]]:
    count = len(view)
    found = (view.reshape(count, -1).astype(np.float64) @ hashes._sketches().T).reshape(
        count, 5, -1
    )
    moved = found[:, 1:] - found[:, :1]
    corners = moved[:, [0, 0, 2, 2]] + moved[:, [1, 3, 1, 3]]
    reach = np.sqrt((corners**2).sum(axis=2).max(axis=1)) / hashes._SKETCH_SCALE
    values = np.rint(found[:, 0] / hashes._SKETCH_SCALE)
    numbers = np.concatenate([values, np.ceil(reach)[:, None], np.zeros((count, 1))], axis=1)
    basis = hashes._cosines(8, EDGE)
    grey = view @ np.array([0.299, 0.587, 0.114])
    low = np.einsum("uy,nyx,vx->nuv", basis, grey, basis, optimize=True).reshape(count, 64)
    bits = np.packbits(low > np.median(low, axis=1, keepdims=True), axis=1)
    packed = np.concatenate(
        [np.clip(numbers, -127, 127).astype(np.int8).view(np.uint8), bits], axis=1
    )
    return [row.tobytes() for row in packed], bits.copy().view(">u8").ravel().astype(np.uint64)


def tables(count: int, seed: int = 0) -> Iterator[pa.Table]:
    """Image rows in batches, in no order; a copy's URL is its kind and the key of its original."""
    chance = np.random.default_rng(seed)
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        num_copies = size // COPIES
        originals = pictures(size - num_copies, chance)
        made = _table(originals, [f"original/{start}"] * len(originals), False, 1000, chance)
        yield made
        keys, hexes = made["key"].to_pylist(), made["pixel_hash"].to_pylist()
        for number, kind in enumerate(KINDS):
            chosen = np.arange(number, num_copies, len(KINDS))
            if len(chosen):
                changed = copies(kind, originals[chosen], chance)
                urls = [f"{kind}/{keys[n]}" for n in chosen]
                equal = [hexes[n] for n in chosen] if kind == "equal" else None
                yield _table(changed, urls, kind == "border", 900, chance, equal)


def _table(
    cells: Cells, urls: list[str], border: bool, edge: int, chance: np.random.Generator,
    hexes: list[str] | None = None,
) -> pa.Table:  # fmt: skip
    count = len(cells)
    keys = [chance.bytes(20).hex() for _ in range(count)]
    hexes = hexes or [chance.bytes(16).hex() for _ in range(count)]
    sketches, thumbnails, phashes = columns(cells, border)
    empty = [""] * count
    made = {
        "key": keys, "url": urls, "caption": [f"a picture called {key[:12]}" for key in keys],
        "page_url": empty, "license": empty, "source": empty, "name": empty, "carried": empty,
        "width": [edge] * count, "height": [edge] * count, "sha256": empty, "pixel_hash": hexes,
        "phash": phashes, "sketch": sketches, "thumbnail": thumbnails,
    }  # fmt: skip
    stored = {name: [b""] * count for name in IMAGE_SCHEMA.names if name not in made}
    return pa.table({name: (made | stored)[name] for name in IMAGE_SCHEMA.names}, IMAGE_SCHEMA)


def write(root: Path, count: int) -> None:
    """Image shards of `count` images."""
    _write_shards(_task(root, count).input(IMAGES), tables(count))


def write_against(root: Path, count: int) -> None:
    """Image shards of pictures as a finished run, and of their copies and others as a run."""
    made = list(tables(count))
    is_copy = [not table["url"][0].as_py().startswith("original") for table in made]
    originals = [table for table, copy in zip(made, is_copy, strict=True) if not copy]
    copied = [table for table, copy in zip(made, is_copy, strict=True) if copy]
    _write_shards(_finished(root, count).images, originals)
    others = (
        table.set_column(1, "url", pa.array([f"other/{url}" for url in table["url"].to_pylist()]))
        for table in tables(count, seed=1)
    )
    _write_shards(_task(root, count).input(IMAGES), [*copied, *others])


def _task(root: Path, count: int) -> StageTask:
    task = stage_task(root, "dedupe", max(1, count // ROWS_PER_SHARD))
    return StageTask(**{**task.__dict__, "inputs": {IMAGES: task.inputs[IMAGES]}})


def _finished(root: Path, count: int) -> FinishedRun:
    url, num_shards = f"{root}/finished", 1 + count // ROWS_PER_SHARD
    return FinishedRun(url, StageFolder(f"{url}/images", num_shards), ())


def _write_shards(folder: StageFolder, made: Iterable[pa.Table]) -> None:
    num_shards = folder.num_shards
    shards: list[list[pa.Table]] = [[] for _ in range(num_shards)]
    for table in made:
        of = np.array([int(key[:16], 16) % num_shards for key in table["key"].to_pylist()])
        for index in range(num_shards):
            shards[index].append(table.filter(pa.array(of == index)))
    for index, parts in enumerate(shards):
        whole = pa.concat_tables([table.cast(IMAGE_SCHEMA) for table in parts]).sort_by("key")
        files.write_bytes(folder.part(index), parquet.to_bytes(whole))


def measure(root: Path, count: int) -> None:
    """Run the stage on shards that are written, and print a line."""
    import apache_beam as beam

    from pipelines.dedupe.config import DedupeConfig
    from pipelines.dedupe.pipeline import build
    from pipelines.dedupe.runs import Runs
    from tests.support.beam_tasks import tasks

    task = _task(root, count)
    num_shards = task.num_shards
    finished = (_finished(root, count),) if (root / "finished").exists() else ()
    config = DedupeConfig(against=tuple(run.url for run in finished))
    before = resource.getrusage(resource.RUSAGE_SELF)
    wall = time.perf_counter()
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        build(tasks(pipeline, task), Runs(num_shards, finished), config, in_parts=False)
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    sys.stdout.write(
        f"{count:>9,} rows: {cpu:7.1f} CPU s, {cpu / count * 1e6:6.1f} us a row, "
        f"{time.perf_counter() - wall:7.1f} s, {used.ru_maxrss / 1e6:5.2f} GB"
        f" ({before.ru_maxrss / 1e6:.2f} before)\n"
    )
    planted = dict.fromkeys(KINDS, 0)
    found, wrong = dict(planted), 0
    for index in range(num_shards):
        for url in parquet.read_table(task.part(index), ["url"])["url"].to_pylist():
            kind = url.split("/")[0]
            if kind in planted:
                planted[kind] += 1
        for row in parquet.read_table(task.rejected(index), ["url", "detail"]).to_pylist():
            kind, original = row["url"].split("/", 1)
            if kind in planted:
                planted[kind] += 1
                found[kind] += original[:24] == row["detail"][:24]
            elif not finished or row["detail"].endswith(" of finished"):
                wrong += 1
    shares = ", ".join(f"{kind} {found[kind] / max(1, planted[kind]):.2%}" for kind in KINDS)
    dropped = f"{sum(planted.values())} planted; {wrong} others dropped"
    sys.stdout.write(f"{'':9} found of copies: {shares}; {dropped}\n")


def main(arguments: list[str]) -> None:
    write_step = "write_against" if "against" in arguments else "write"
    for count in [argument for argument in arguments if argument != "against"]:
        with tempfile.TemporaryDirectory() as folder:
            for step in (write_step, "measure"):
                command = [sys.executable, "-m", "tests.support.many_images", step, folder, count]
                subprocess.run(command, check=True)


if __name__ == "__main__":
    steps = {"write": write, "write_against": write_against, "measure": measure}
    if sys.argv[1] in steps:
        steps[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main(sys.argv[1:])
