"""What is left of a shard, and its counts, while the other shards are still being counted.

Written as shards are, so that a run that was killed resumes from them: a shard whose tallies are
noted has been filtered, and what is left of it is noted too.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dalle_model import files
from pipelines.captions.corpus.tally import Tally
from pipelines.captions.result import FilterResult
from pipelines.io.parquet import read_table, to_bytes
from pipelines.io.task import StageTask

_LEFT, _FAILED, _COUNTS = "left", "failed", "counts"
_LEFT_COLUMNS = ("row", "text", "language", "types")
_COUNTS_SCHEMA = pa.schema([("rule", pa.string()), ("hash", pa.uint64()), ("number", pa.int64())])


def is_noted(task: StageTask, index: int) -> bool:
    """Whether this very work has filtered and counted a shard before."""
    return files.exists(task.note(index, _COUNTS))


def write_filtered(task: StageTask, index: int, filtered: FilterResult) -> None:
    """Note what is left of a shard; before `write_tallies`, whose note says that both are there."""
    columns = [pa.array(filtered.rows), filtered.texts, filtered.languages, filtered.types]
    files.write_bytes(task.note(index, _LEFT), to_bytes(pa.table(columns, names=_LEFT_COLUMNS)))
    files.write_bytes(task.note(index, _FAILED), to_bytes(filtered.failures))


def read_filtered(task: StageTask, index: int) -> FilterResult:
    """What is noted as left of a shard."""
    left = read_table(task.note(index, _LEFT))
    rows, texts, languages, types = (left[name] for name in _LEFT_COLUMNS)
    failures = read_table(task.note(index, _FAILED))
    return FilterResult(np.asarray(rows, np.int64), texts, languages, types, failures)


def write_tallies(task: StageTask, index: int, tallies: Mapping[str, Tally]) -> None:
    """Note what is counted of a shard."""
    parts = [_table(name, tally) for name, tally in tallies.items()]
    files.write_bytes(
        task.note(index, _COUNTS), to_bytes(pa.concat_tables(parts), {"rule": "DICTIONARY"})
    )


def read_tallies(task: StageTask, index: int) -> dict[str, Tally]:
    """The tallies noted of a shard, by rule; a rule that counted nothing is left out."""
    table = read_table(task.note(index, _COUNTS))
    names = sorted(pc.unique(table["rule"]).to_pylist())
    return {name: _tally(table.filter(pc.equal(table["rule"], name))) for name in names}


def _table(name: str, tally: Tally) -> pa.Table:
    columns = [pa.repeat(name, len(tally)), pa.array(tally.hashes), pa.array(tally.numbers)]
    return pa.table(columns, schema=_COUNTS_SCHEMA)


def _tally(table: pa.Table) -> Tally:
    return Tally(np.asarray(table["hash"], np.uint64), np.asarray(table["number"], np.int64))
