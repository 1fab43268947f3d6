"""Tars of WebDataset: a sample for each row, with its codes as `.npy`, its caption and its columns.

Source of the layout: webdataset 0.2.111 `tariterators.py`, `base_plus_ext` and `group_by_keys`: the
files of a sample follow each other and share the name up to the first dot.
"""

import io
import json
import posixpath
import tarfile
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dalle_model import files
from dalle_model.shard_schema import COLUMNS, IMAGE_TOKENS, TOKEN_SHAPE
from dalle_model.shard_sets.shard import Shard
from orchestration.export.tars import add_member, open_tar
from orchestration.token_formats.facts import SetFacts, read_facts
from orchestration.token_formats.format import Export, Format, FormatError, Opened, Piece
from orchestration.token_formats.imported_rows import CODES
from orchestration.token_formats.samples import npy, shaped_codes
from orchestration.token_formats.tables import batches, identities_of, table_of

_TAR = ".tar"


def _export(export: Export) -> Iterator[Piece]:
    for index, shard in enumerate(export.shards):
        url = files.join(export.out, f"{index:05d}{_TAR}")
        if not files.exists(url):
            with files.writing(url) as stream:
                _write(export, shard, stream)
        yield Piece(shard.rows, shard.rows)


def _write(export: Export, shard: Shard, stream: BinaryIO) -> None:
    tokens = export.source.metadata.tokens
    with open_tar(stream) as tar:
        for table in shard.tables():
            codes = {name: list(shaped_codes(table, export, name)) for name in tokens}
            others = table.drop_columns(list(tokens)).to_pylist()
            for number, row in enumerate(others):
                arrays = {name: found[number] for name, found in codes.items()}
                for suffix, content in sorted(members(row, arrays).items()):
                    add_member(tar, f"{sample_key(row)}.{suffix}", content)


def sample_key(row: dict[str, Any]) -> str:
    """The name of a sample: the key of its pair, and the view unless it is the first."""
    return f"{row['key']}-{row['view']:03d}" if row["view"] else str(row["key"])


def members(row: dict[str, Any], codes: dict[str, npt.NDArray[Any]]) -> dict[str, bytes]:
    """The files of a sample, by suffix: `npy`, `txt`, `json`, and `NAME.npy` of joined tokens."""
    found = {
        "json": json.dumps(row, ensure_ascii=False).encode(),
        "txt": str(row["caption"]).encode(),
    }
    for column, array in codes.items():
        name = column.removeprefix(IMAGE_TOKENS).lstrip("_")
        found[f"{name}.npy" if name else "npy"] = npy(array)
    return found


def _read(url: str, column: str) -> Opened:
    suffix = column or "npy"
    urls = _tars(url)
    facts = read_facts(url) if not column else None
    added = facts.added if facts is not None else ()
    schema = _schema(facts)
    rows = facts.rows if facts is not None else sum(_count(one, suffix) for one in urls)
    if not rows:
        raise FormatError(
            f"{url} has no sample with `.{suffix}`; --column says how the files of codes end"
        )

    def tables() -> Iterator[pa.Table]:
        for one in urls:
            for batch in batches(_samples(one, suffix, facts)):
                yield table_of(one, batch, schema)

    return Opened(facts, rows, tables, identities_of(urls), added)


def _tars(url: str) -> list[str]:
    if url.endswith(_TAR):
        return [url]
    names = [name for name in files.list_names(url) if name.endswith(_TAR)]
    if not names:
        raise FormatError(f"{url} has no .tar file")
    return [files.join(url, name) for name in names]


def _schema(facts: SetFacts | None) -> pa.Schema:
    """Columns of a batch: those of token sets, all of which a sample may lack."""
    known = [pa.field(name, kind) for name, kind in COLUMNS.items() if name != IMAGE_TOKENS]
    codes = pa.field(CODES, pa.list_(pa.int64()))
    return pa.schema([codes, *known, *(facts.added if facts is not None else ())])


def _samples(url: str, suffix: str, facts: SetFacts | None) -> Iterator[dict[str, Any]]:
    """Samples of a tar with codes, one after the other, as rows."""
    has_books = facts is not None and facts.metadata.codebooks > 1
    row: dict[str, Any] = {}
    for name, ending, content in _walk(url, (suffix, "txt", "json")):
        if row.get("__key__") != name:
            if CODES in row:
                yield row
            row = {"__key__": name, "source_key": name}
        if ending == suffix:
            row |= _codes_of(url, name, content, has_books=has_books)
        elif ending == "txt":
            row["caption"] = content.decode("utf-8", "replace")
        else:
            row |= _columns_of(url, name, content)
    if CODES in row:
        yield row


def _codes_of(url: str, name: str, content: bytes, *, has_books: bool) -> dict[str, Any]:
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception as error:  # hostile bytes make numpy raise half a dozen classes
        raise FormatError(f"{url}: the codes of {name} cannot be read: {error}") from error
    if not np.issubdtype(array.dtype, np.integer):
        raise FormatError(f"{url}: the codes of {name} are {array.dtype}, not whole numbers")
    shape = array.shape[:-1] if has_books else array.shape
    return {CODES: array.reshape(-1).tolist(), TOKEN_SHAPE: list(shape)}


def _columns_of(url: str, name: str, content: bytes) -> dict[str, Any]:
    """What the JSON of a sample says; its own key is that of its row."""
    try:
        found = json.loads(content)
    except ValueError as error:
        raise FormatError(f"{url}: the JSON of {name} is damaged: {error}") from error
    if not isinstance(found, dict):
        return {}
    found.pop(TOKEN_SHAPE, None)  # as the array has it
    return found


def _count(url: str, suffix: str) -> int:
    return sum(1 for _ in _walk(url, (suffix,), reads=False))


def _walk(
    url: str, endings: tuple[str, ...], *, reads: bool = True
) -> Iterator[tuple[str, str, bytes]]:
    """Name of the sample, suffix and content of each file with one of some suffixes."""
    try:
        with files.open_read(url) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            for member in tar:
                name, ending = _parted(member.name)
                if member.isfile() and ending in endings:
                    held = tar.extractfile(member) if reads else None
                    yield name, ending, held.read() if held is not None else b""
                # else the memory grows with every file
                tar.members.clear()  # type: ignore[attr-defined]
    except (tarfile.TarError, OSError, EOFError) as error:
        raise FormatError(f"{url} cannot be read: {error}") from error


def _parted(path: str) -> tuple[str, str]:
    """A path as the name of a sample and its suffix, between which is the last part's first dot."""
    folder, name = posixpath.split(path)
    stem, _, ending = name.partition(".")
    return posixpath.join(folder, stem), ending.lower()


WEBDATASET = Format(
    name="webdataset",
    reader="webdataset.WebDataset",
    export=_export,
    read=_read,
    takes_any_shape=True,
    takes_codebooks=True,
    carries_added=True,
)
