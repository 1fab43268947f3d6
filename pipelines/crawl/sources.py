"""Where candidates come from: the sources of a config, and the concrete files behind them."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urljoin

from fsspec.core import url_to_fs
from pydantic import BaseModel, ConfigDict

from dalle_model.errors import DalleError

Kind = Literal["warc", "html", "table"]

SUFFIXES: dict[str, Kind] = {
    ".warc": "warc",
    ".warc.gz": "warc",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".csv": "table",
    ".csv.gz": "table",
    ".tsv": "table",
    ".tsv.gz": "table",
    ".parquet": "table",
}


class MissingInputError(DalleError):
    """An input of the config is not there, or nobody can tell what it is."""


class Source(BaseModel):
    """One place that candidates are read from.

    Args:
        path: URL or path of a file, a folder (searched to the bottom) or a glob.
        kind: what the files are; by default their suffix tells.
        name: goes into the `source` column of every row; the path never does.
        base_url: HTML files only: the address that the folder had on the web.
        url_column: tables only: name, or number from 0; `url`, or 1 in a table without header.
        caption_column: as `url_column`; `caption`, or 0 in a table without header.
        page_url_column: as `url_column`; no such column by default.
        license_column: as `url_column`; no such column by default.
        has_header: of a CSV or TSV table; by default there is one when columns are given by name
            or a cell of the first row says `url`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    kind: Kind | None = None
    name: str = ""
    base_url: str = ""
    url_column: str | int | None = None
    caption_column: str | int | None = None
    page_url_column: str | int | None = None
    license_column: str | int | None = None
    has_header: bool | None = None


@dataclass(frozen=True, order=True)
class InputFile:
    """One file to read.

    Args:
        location: its URL; opens it and is never part of a row.
        kind: what it is.
        page_url: of an HTML file: its address on the web; empty where it is not known.
    """

    location: str
    kind: Kind
    page_url: str = ""


def resolve(source: Source, config_key: str) -> list[InputFile]:
    """The files of a source, sorted.

    Args:
        source: file, folder or glob.
        config_key: where the source stands in the config, for the error.

    Raises:
        MissingInputError: nothing is there, or a suffix says nothing and `kind` is not set.
    """
    root, paths = _expand(source.path)
    chosen = sorted(set(_classified(source, root, paths)))
    if not chosen:
        found = f"none of its {len(paths)} files is a known kind" if paths else "nothing is there"
        raise MissingInputError(
            f"{config_key}.path: {source.path}: {found}; correct the path, or set "
            f"{config_key}.kind to warc, html or table"
        )
    return chosen


def kind_of(path: str) -> Kind | None:
    """What a file is by its suffix; None where that says nothing."""
    lower = path.lower()
    return next((kind for suffix, kind in SUFFIXES.items() if lower.endswith(suffix)), None)


def _expand(path: str) -> tuple[str, list[str]]:
    """The folder that paths are relative to, and all files, as URLs of the same file system."""
    filesystem, bare = url_to_fs(path)
    filesystem.invalidate_cache()
    if "*" in bare or "?" in bare or "[" in bare:
        root = posixpath.dirname(bare.partition("*")[0].partition("?")[0].partition("[")[0])
        found = [name for name in filesystem.glob(bare) if filesystem.isfile(name)]
    elif filesystem.isdir(bare):
        root, found = bare.rstrip("/"), filesystem.find(bare)
    else:
        root = posixpath.dirname(bare)
        found = [bare] if filesystem.exists(bare) else []
    if "://" not in path:
        return root, found
    return filesystem.unstrip_protocol(root), [filesystem.unstrip_protocol(name) for name in found]


def _classified(source: Source, root: str, paths: list[str]) -> Iterator[InputFile]:
    for path in paths:
        relative = path.removeprefix(root).lstrip("/")
        kind = source.kind or kind_of(path)
        if kind is None or any(part.startswith(".") for part in relative.split("/")):
            continue
        has_address = kind == "html" and source.base_url
        yield InputFile(
            path, kind, urljoin(source.base_url, quote(relative)) if has_address else ""
        )
