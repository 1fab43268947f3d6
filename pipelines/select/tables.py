"""A recipe applied to tables of metadata, as DataComp publishes them: the ids of the rows kept.

Tables are read in batches, only the columns that the recipe reads. A recipe that has to know all
rows first reads them up to twice more; it never holds more than a batch, and the ids kept.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dalle_model import files
from dalle_model.errors import DalleError, UsageError
from dalle_model.shards import open_parquet
from pipelines.io.uids import UID, KeptRows, in_order, uids_of
from pipelines.select.clusters import nearest_centroids, read_centroids
from pipelines.select.config import SelectConfig, score_column
from pipelines.select.recipe import (
    CLUSTER,
    HEIGHT,
    KEY,
    LANGUAGE,
    SCORE,
    TEXT,
    WIDTH,
    Settled,
    apply,
)

_BATCH_ROWS = 1 << 16  # chosen: some 20 MB
# What the columns of rules may be called. Source: DataComp's metadata; img2dataset, for the second.
_NAMES = {
    KEY: (UID,),
    TEXT: ("text", "caption"),
    WIDTH: ("original_width", "width"),
    HEIGHT: ("original_height", "height"),
    LANGUAGE: ("language",),
}
_EMBEDDINGS = "l14_img"  # in the `.npz` beside a table. Source: DataComp's metadata


class TableError(UsageError):
    """A table of metadata is not there, or lacks a column that the recipe reads."""


def kept_rows(tables: Sequence[str], config: SelectConfig | None) -> KeptRows:
    """The ids of the rows that a recipe keeps, sorted, and how many it drops for which reason.

    Args:
        tables: URLs of Parquet tables with a column `uid`, or of folders of such.
        config: with the recipe; None keeps all rows, each id once.

    Raises:
        TableError: a table is missing, is none, or lacks a column.
        KeepListError: an id is none.
    """
    urls = [url for table in tables for url in _tables_at(table)]
    kept, rows_in, dropped = [], 0, Counter[str]()
    rules = () if config is None else config.chosen.rules(config, _settled(urls, config))
    for rows in _batches(urls, config):
        outcome = apply(rules, rows)
        rows_in += len(rows)
        dropped.update({rule.reason: len(numbers) for rule, numbers, _ in outcome.dropped})
        kept.append(uids_of(rows[KEY].filter(pa.array(outcome.kept))))
    uids = in_order(kept)
    return KeptRows(np.unique(uids) if config is None else uids, rows_in, dict(dropped))


def _settled(urls: Sequence[str], config: SelectConfig) -> Settled:
    """What the recipe has to know of all rows."""
    survey = config.chosen.survey(config)
    if survey is None:
        return None
    counts = np.zeros(1, np.int64)
    for rows in _batches(urls, config):
        counts = counts + survey.count(rows)
    gathered = [survey.gather(rows, counts) for rows in _batches(urls, config)]
    return survey.settle(counts, np.concatenate([np.zeros(0), *gathered]))


def _tables_at(url: str) -> list[str]:
    """The tables of a folder, or the one at the place itself.

    Raises:
        TableError: there is none.
    """
    if not files.is_folder(url):
        return [url]
    names = sorted(name for name in files.list_names(url) if name.endswith(".parquet"))
    if not names:
        raise TableError(f"{url} has no Parquet table; give the folder of metadata tables")
    return [files.join(url, name) for name in names]


def _batches(urls: Iterable[str], config: SelectConfig | None) -> Iterator[pa.Table]:
    """The rows of tables under the names of rules."""
    columns = () if config is None else config.chosen.columns(config)
    for url in urls:
        with _read_from(url) as stream:
            yield from _renamed(url, _opened(url, stream), columns, config)


def _read_from(url: str) -> BinaryIO:
    try:
        return files.open_read(url)
    except (OSError, UsageError) as error:
        raise TableError(f"{url} cannot be read: {error}") from error


def _opened(url: str, stream: BinaryIO) -> pq.ParquetFile:
    try:
        return open_parquet(stream)
    except (OSError, ValueError, pa.ArrowException, DalleError) as error:
        raise TableError(f"{url} cannot be read as Parquet: {error}") from error


def _renamed(
    url: str, table: pq.ParquetFile, columns: Sequence[str], config: SelectConfig | None
) -> Iterator[pa.Table]:
    there = table.schema_arrow.names
    clusters = _clusters(url, there, config) if CLUSTER in columns else None
    read = [name for name in (KEY, *columns) if clusters is None or name != CLUSTER]
    names = {name: _name_of(url, name, there, config) for name in read}
    first = 0
    chosen = list(dict.fromkeys(names.values()))
    for batch in table.iter_batches(_BATCH_ROWS, columns=chosen, use_threads=False):
        rows = pa.table({name: batch[given] for name, given in names.items()})
        if clusters is not None:
            rows = rows.append_column(CLUSTER, pa.array(clusters[first : first + len(rows)]))
        first += len(rows)
        yield rows


def _name_of(url: str, name: str, there: Sequence[str], config: SelectConfig | None) -> str:
    """What a column of rules is called in a table."""
    wanted = _NAMES.get(name, ())
    if config is not None and name in {SCORE, CLUSTER}:
        wanted = (score_column(config) if name == SCORE else config.cluster,)
    found = [given for given in wanted if given in there]
    if not found:
        raise TableError(
            f"{url} has no column {' or '.join(wanted)}, which is read as the {name}; its columns "
            f"are {', '.join(there)}"
        )
    return found[0]


def _clusters(
    url: str, there: Sequence[str], config: SelectConfig | None
) -> NDArray[np.int64] | None:
    """The clusters of all rows from the embeddings beside a table; None where it has a column."""
    if config is None or config.cluster in there or not config.centroids:
        return None
    beside = f"{url.removesuffix('.parquet')}.npz"
    try:
        with files.open_read(beside) as stream, np.load(stream, allow_pickle=False) as arrays:
            embeddings: NDArray[Any] = arrays[_EMBEDDINGS]
    except (OSError, KeyError, ValueError) as error:
        raise TableError(
            f"{beside}, with the embeddings {_EMBEDDINGS!r} of the images of the table beside it, "
            f"cannot be read: {error}"
        ) from error
    return nearest_centroids(embeddings, read_centroids(config.centroids))
