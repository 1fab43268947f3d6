"""`dalle remove` on a run of some size, written without running a stage: what it costs and leaves.

Usage: python -m tests.support.many_removals [IMAGES] [REMOVED] [KILLS]

Checks that no file holds what was removed, that all other rows are as they were, that the next run
has nothing to do, and that a crawl made again refuses the rows. With kills, copies of the run are
killed at random moments of the removal and gone on with: each must have the bytes of a quiet one.
"""

import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dalle_model import files
from dalle_model.shard_schema import ShardMetadata, column_encodings, token_schema
from orchestration import api
from orchestration.engine.config import keep_config
from orchestration.engine.config_file import check_config
from orchestration.engine.graph import Graph
from orchestration.engine.plan import Run, plan_stage
from orchestration.engine.progress import Quiet
from orchestration.engine.results import identity_of
from orchestration.engine.run import run_stages
from pipelines.io import parquet
from pipelines.io.keys import pair_key, shard_of
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest, read_manifest, write_manifest, write_timings
from pipelines.records import (
    CANDIDATE_SCHEMA,
    CAPTION_SCHEMA,
    FETCHED_SCHEMA,
    IMAGE_SCHEMA,
    SELECTION_SCHEMA,
)
from pipelines.rejection import REJECTION_SCHEMA, Rejection

NUM_SHARDS = 64
DATE = "2026-11-30"
ENCODED_BYTES, IMAGE_BYTES = 20_000, 6_000  # chosen: a tenth of real ones, so that a disk has room
BATCH = 256  # rows made at a time
METADATA = ShardMetadata("demo", "0" * 64, (64, 64), (8, 8), 128, (0.1, 0.9), "p", "", "f")
TOKENS = token_schema(METADATA)
SCHEMAS = {
    "crawl": CANDIDATE_SCHEMA,
    "captions": CAPTION_SCHEMA,
    "fetch": FETCHED_SCHEMA,
    "images": IMAGE_SCHEMA,
    "dedupe": SELECTION_SCHEMA,
    "encode": TOKENS,
}
DROPPED = {stage: number for number, stage in enumerate(SCHEMAS, 11)}  # one row in so many

_BLANKS = {"string": "", "binary": b"", "bool": False}

Row = dict[str, Any]


def url_of(number: int) -> str:
    return f"http://h{number % 997}.demo.test/photographs/{number}.jpg"


def caption_of(number: int) -> str:
    return f"a photograph of the thing with the number {number} at rest"


def page_of(number: int) -> str:
    return f"https://page-{number % 5003}.demo.test/gallery?of={number % 31}"


def pair(number: int) -> Row:
    return {
        "number": number,
        "key": pair_key(url_of(number), caption_of(number)),
        "url": url_of(number),
        "caption": caption_of(number),
        "page_url": page_of(number),
    }


def full(row: Row, stage: str) -> Row:
    """A row as a stage keeps it, with bytes that no other row has."""
    schema, chance = SCHEMAS[stage], np.random.default_rng(row["number"])
    blank: Row = {}
    for field in schema:
        if not field.nullable:
            blank[field.name] = _BLANKS.get(str(field.type), 0)
    encoded = chance.bytes(ENCODED_BYTES)
    values = blank | {name: row[name] for name in row if name in schema.names}
    if stage in {"fetch", "images", "encode"}:
        values["sha256"] = files.sha256(encoded)
    if stage == "fetch":
        values["encoded"] = encoded
    elif stage == "images":
        values |= {"image": chance.bytes(IMAGE_BYTES), "phash": row["number"]}
        values |= {"pixel_hash": files.sha256(encoded)[:32]}
    elif stage == "encode":
        values |= {"image_tokens": chance.integers(0, 128, 64), "crop": [0, 0, 64, 64]}
    return values


def write_run(folder: Path, num_images: int) -> Run:
    """A finished run of so many pairs, from a table to tokens, with nothing left to do."""
    lines = (f"{caption_of(n)}\t{url_of(n)}\t{page_of(n)}\n" for n in range(num_images))
    (folder / "pairs.tsv").write_text("".join(lines))
    table = {"path": "pairs.tsv", "caption_column": 0, "url_column": 1, "page_url_column": 2}
    settings = {"num_shards": NUM_SHARDS, "crawl": {"sources": [table]}}
    config = check_config(settings, str(folder))
    run = Run(config, str(folder / "run"))
    graph = Graph.of(config)
    keep_config(run.root, config)
    shards: list[list[Row]] = [[] for _ in range(NUM_SHARDS)]
    for row in map(pair, range(num_images)):
        shards[shard_of(row["key"], NUM_SHARDS)].append(row)
    for rows in shards:
        rows.sort(key=lambda row: str(row["key"]))
    for name in SCHEMAS:
        shards = write_stage(run, graph, name, shards)
    return run


def write_stage(run: Run, graph: Graph, name: str, shards: list[list[Row]]) -> list[list[Row]]:
    """One stage as if it had run; the rows that it leaves."""
    folder, left, entries, dropped = run.folder.stage(name), [], [], []
    encodings = column_encodings(METADATA) if name == "encode" else {}
    for index, rows in enumerate(shards):
        kept = [row for row in rows if name == "crawl" or row["number"] % DROPPED[name]]
        gone = [row for row in rows if name != "crawl" and not row["number"] % DROPPED[name]]
        schema = SCHEMAS[name]
        tables = (
            pa.Table.from_pylist([full(row, name) for row in kept[at : at + BATCH]], schema)
            for at in range(0, len(kept), BATCH)
        )
        with files.writing(folder.part(index)) as stream:
            written = parquet.write(stream, schema, tables, encodings)
        entries.append({"name": Path(folder.part(index)).name, **written._asdict()})
        rejections = [
            vars(Rejection(r["key"], r["url"], r["caption"], name, "some_reason")) for r in gone
        ]
        with files.writing(folder.rejected(index)) as stream:
            table = pa.Table.from_pylist(rejections, REJECTION_SCHEMA)
            written = parquet.write(stream, REJECTION_SCHEMA, [table])
        part = Path(folder.rejected(index)).name
        dropped.append({"name": f"rejected/{part}", **written._asdict()})
        left.append(kept)
    rows_in, rows_out = sum(map(len, shards)), sum(map(len, left))
    stage = graph.stage(name)
    assert stage is not None
    plan = plan_stage(run, graph, stage)
    books = {"some_reason": rows_in - rows_out} if rows_in > rows_out else {}
    write_timings(folder, {"outside": plan.outside})
    write_manifest(
        folder,
        Manifest(
            **identity_of(graph, plan),
            num_shards=NUM_SHARDS,
            rows_in=rows_in,
            rows_out=rows_out,
            rejected=books,
            files=entries,
            rejected_files=dropped,
        ),
    )
    return left


def needles_of(numbers: list[int]) -> set[bytes]:
    """All by which removed rows could be known."""
    texts = {text for n in numbers for text in (url_of(n), caption_of(n), pair(n)["key"])}
    hashes = {files.sha256(np.random.default_rng(n).bytes(ENCODED_BYTES)) for n in numbers}
    return {text.encode() for text in texts | hashes}


def found_in(run: Run, needles: set[bytes]) -> set[bytes]:
    """Those that stand in the bytes of any file of the run, or as a value of a column of text."""
    found = set[bytes]()
    for path in (path for path in Path(run.root).rglob("*") if path.is_file()):
        content = path.read_bytes()
        found |= {needle for needle in needles if needle in content}
        if path.suffix == ".parquet":
            found |= needles & {value.encode() for value in texts_of(str(path))}
    return found


def texts_of(url: str) -> Iterator[str]:
    names = [field.name for field in parquet.read_schema(url) if pa.types.is_string(field.type)]
    for table in parquet.read_row_groups(url, names):
        for column in table.columns:
            yield from filter(None, column.to_pylist())


def contents(run: Run) -> dict[str, str]:
    """SHA-256 of every file, by its path."""
    root = Path(run.root)
    paths = (path for path in root.rglob("*") if path.is_file() and path.name != "timings.json")
    return {str(path.relative_to(root)): files.sha256_of(str(path)) for path in paths}


def check_nothing_to_do(run: Run) -> None:
    graph = Graph.of(run.config)
    for name in SCHEMAS:
        stage = graph.stage(name)
        assert stage is not None
        plan = plan_stage(run, graph, stage)
        assert plan.finished is not None, (name, plan.why)


def killed(run: Run, urls: str, after_s: float) -> bool:
    """Whether a removal was still at work when it was killed."""
    process = multiprocessing.get_context("fork").Process(
        target=api.remove, args=(run.root,), kwargs={"urls": urls, "date": DATE}
    )
    process.start()
    process.join(after_s)
    is_at_work = process.is_alive()
    if is_at_work and process.pid:
        os.kill(process.pid, signal.SIGKILL)
    process.join()
    return is_at_work


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def removed_once(run: Run, urls: str, numbers: list[int]) -> dict[str, str]:
    """Remove rows, say what it costs, and check what is left; the files afterwards."""
    before = contents(run)
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    done = api.remove(run.root, urls=urls, date=DATE)
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(f"{done}\n{wall_s:.1f} s, {cpu_s:.1f} CPU s, {peak:.0f} MiB at most, with making the run")
    after, needles = contents(run), needles_of(numbers)
    same = sum(after.get(name) == sha256 for name, sha256 in before.items())
    say(f"{same} of {len(before)} files are the same, byte by byte")
    say(f"found afterwards: {len(found_in(run, needles))} of {len(needles)} texts and hashes")
    check_nothing_to_do(run)
    again = time.perf_counter()
    assert not api.remove(run.root, urls=urls).receipt
    assert contents(run) == after
    say(f"the same again, which finds nothing: {time.perf_counter() - again:.1f} s")
    return after


def kill_many(run: Run, urls: str, after: dict[str, str], number: int) -> None:
    """Kill removals at random moments; what another command makes of them is always the same."""
    latest = time.perf_counter()
    copy = replace(run, root=f"{run.root}-killed")
    at_work = 0
    shutil.copytree(run.root, copy.root)
    killed(copy, urls, 1e6)
    latest = time.perf_counter() - latest
    for seed in range(number):
        shutil.rmtree(copy.root)
        shutil.copytree(run.root, copy.root)
        at_work += killed(copy, urls, random.Random(seed).uniform(0, latest))
        api.remove(copy.root, urls=urls, date=DATE)
        found = contents(copy)
        wrong = {name for name in found.keys() | after.keys() if found.get(name) != after.get(name)}
        assert not wrong, wrong
    say(f"{number} kills, {at_work} of a removal at work: all end with the same bytes")


def main(num_images: int, num_removed: int, num_kills: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = write_run(Path(folder), num_images)
        check_nothing_to_do(run)
        numbers = random.Random(0).sample(range(num_images), num_removed)
        urls = str(Path(folder) / "urls.txt")
        Path(urls).write_text("".join(f"{url_of(number)}\n" for number in numbers))
        whole = replace(run, root=f"{folder}/whole")
        shutil.copytree(run.root, whole.root)
        after = removed_once(whole, urls, numbers)
        kill_many(run, urls, after, num_kills)
        Path(whole.folder.stage("crawl").manifest).unlink()
        run_stages(whole, ["crawl"], Quiet())
        manifest = read_manifest(RunFolder(whole.root).stage("crawl"))
        assert manifest is not None
        say(f"crawled again: {manifest.rejected} of {manifest.rows_in:,}")


if __name__ == "__main__":
    counts = [int(argument) for argument in sys.argv[1:]]
    main(*[*counts, *(2000, 50, 0)[len(counts) :]])
