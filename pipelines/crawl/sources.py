"""Where candidates come from: the sources of a config, and the concrete files behind them."""

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, get_args
from urllib.parse import quote, urljoin

from pydantic import BaseModel, ConfigDict, Field

from dalle_model import files
from dalle_model.errors import DalleError
from pipelines.crawl.listing import is_hidden, list_files

Kind = Literal["warc", "wat", "html", "table", "tar", "images"]
Column = str | Annotated[int, Field(ge=0)]

SUFFIXES: dict[str, Kind] = {
    ".warc": "warc",
    ".warc.gz": "warc",
    ".warc.wat": "wat",
    ".warc.wat.gz": "wat",
    ".wat": "wat",
    ".wat.gz": "wat",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".csv": "table",
    ".csv.gz": "table",
    ".tsv": "table",
    ".tsv.gz": "table",
    ".jsonl": "table",
    ".jsonl.gz": "table",
    ".ndjson": "table",
    ".ndjson.gz": "table",
    ".parquet": "table",
    ".tar": "tar",
    ".tar.gz": "tar",
    ".tgz": "tar",
}
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif")
# Tables of captions for the images below them. Source: Hugging Face `datasets`, "ImageFolder",
# but for the last.
METADATA_NAMES = ("metadata.jsonl", "metadata.csv", "metadata.parquet", "captions.tsv")


class MissingInputError(DalleError):
    """An input of the config is not there, or nobody can tell what it is."""


class Source(BaseModel):
    """One place that candidates are read from.

    The columns of a table are found by their usual names (`tables/columns.py`), or by what they
    hold; the settings that end in `_column` are for other ones. They also name the keys of the JSON
    that stands beside images.

    Args:
        path: URL or path of a file, a folder (searched to the bottom) or a glob.
        kind: what the files are; by default their suffix tells. Images make an image folder,
            unless there are pages beside them.
        name: goes into the `source` column of every row; the path never does.
        base_url: HTML files only: the address that the folder had on the web.
        url_column: name, or number from 0.
        caption_column: as `url_column`; a list of texts in it gives a pair each.
        page_url_column: as `url_column`.
        license_column: as `url_column`.
        image_column: of a Parquet table that holds images; by default one of the type of
            `datasets.Image`, or of bytes with a usual name.
        has_header: of a CSV or TSV table; by default there is one when columns are given by name
            or the first row holds a usual name of a column of URLs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(min_length=1)
    kind: Kind | None = None
    name: str = ""
    base_url: str = ""
    url_column: Column | None = None
    caption_column: Column | None = None
    page_url_column: Column | None = None
    license_column: Column | None = None
    image_column: Column | None = None
    has_header: bool | None = None


@dataclass(frozen=True, order=True)
class InputFile:
    """One file to read, or the images of one folder.

    Args:
        location: its URL; opens it and is never part of a row.
        kind: what it is.
        page_url: of an HTML file: its address on the web; empty where it is not known.
        metadata: of an image folder: URL of the table that captions it; empty where none does.
        names: of an image folder: the images that a glob chose; empty for all.
        config_key: the setting that brought it here, for errors.
    """

    location: str
    kind: Kind
    page_url: str = ""
    metadata: str = ""
    names: tuple[str, ...] = ()
    config_key: str = field(default="", compare=False)


def resolve(source: Source, config_key: str) -> list[InputFile]:
    """The files of a source, sorted.

    Args:
        source: file, folder or glob.
        config_key: where the source stands in the config, for the error.

    Raises:
        MissingInputError: nothing is there, or a suffix says nothing and `kind` is not set, or the
            place cannot be listed.
    """
    try:
        root, paths, is_folder = list_files(source.path)
    except Exception as error:  # each file system has errors of its own
        raise MissingInputError(
            f"{config_key}.path: {source.path} cannot be listed: {error}"
        ) from error
    seen = [path for path in paths if not is_hidden(path.removeprefix(root))]
    folders = _image_folders(source, root, seen, is_folder)
    rest = set(seen) - {folder.metadata for folder in folders} - _logs_of_img2dataset(seen)
    chosen = sorted({*folders, *_classified(source, root, sorted(rest))})
    if not chosen:
        found = f"none of its {len(paths)} files is a known kind" if paths else "nothing is there"
        raise MissingInputError(
            f"{config_key}.path: {source.path}: {found}; correct the path, or set "
            f"{config_key}.kind to one of {', '.join(get_args(Kind))}"
        )
    return [replace(file, config_key=config_key) for file in chosen]


def images_in(file: InputFile, listing: Iterable[str]) -> list[str]:
    """The names of the images of an image folder among all that are listed, sorted."""
    return sorted(n for n in file.names or listing if is_image(n) and not n.startswith("."))


def files_of(file: InputFile) -> list[str]:
    """URLs of all files that an input is read from."""
    if file.kind != "images":
        return [file.location]
    listing = files.list_names(file.location)
    images = images_in(file, listing)
    stems = {posixpath.splitext(name)[0] for name in images}
    beside = [
        name
        for name in listing
        if posixpath.splitext(name)[0] in stems and name.endswith((".txt", ".json"))
    ]
    urls = [files.join(file.location, name) for name in (*images, *beside)]
    return [*urls, file.metadata] if file.metadata else urls


def is_image(name: str) -> bool:
    """Whether the suffix of a name is one of an image."""
    return name.lower().endswith(IMAGE_SUFFIXES)


def kind_of(path: str) -> Kind | None:
    """What a file is by its suffix; None where that says nothing."""
    lower = path.lower()
    return next((kind for suffix, kind in SUFFIXES.items() if lower.endswith(suffix)), None)


def _classified(source: Source, root: str, paths: list[str]) -> Iterator[InputFile]:
    for path in paths:
        kind = source.kind or kind_of(path)
        if kind is None or kind == "images":
            continue
        relative = path.removeprefix(root).lstrip("/")
        has_address = kind == "html" and source.base_url
        yield InputFile(
            path, kind, urljoin(source.base_url, quote(relative)) if has_address else ""
        )


def _image_folders(source: Source, root: str, paths: list[str], is_folder: bool) -> list[InputFile]:
    """The folders of images among some files; a folder of pages is a site, and holds none."""
    if source.kind not in {None, "images"}:
        return []
    if source.kind is None and any(kind_of(path) == "html" for path in paths):
        return []
    names: dict[str, list[str]] = {}
    for path in paths:
        if is_image(path):
            names.setdefault(posixpath.dirname(path), []).append(posixpath.basename(path))
    tables = _tables_of_captions(paths)
    governing = {folder: _nearest(folder, root, tables) for folder in names}
    if is_folder:  # a table's own folder answers for the images that are missing
        governing |= {posixpath.dirname(table): table for table in governing.values() if table}
    return [
        InputFile(
            folder,
            "images",
            metadata=table,
            names=() if is_folder else tuple(sorted(names.get(folder, ()))),
        )
        for folder, table in governing.items()
    ]


def _tables_of_captions(paths: list[str]) -> dict[str, str]:
    """By folder; the first of `METADATA_NAMES` where there are several."""
    tables: dict[str, str] = {}
    for name in METADATA_NAMES:
        for path in paths:
            if posixpath.basename(path) == name:
                tables.setdefault(posixpath.dirname(path), path)
    return tables


def _nearest(folder: str, root: str, tables: dict[str, str]) -> str:
    """The table of a folder or of the nearest one above it, up to the root; empty without one."""
    while folder.startswith(root) and folder not in tables and folder != root:
        folder = posixpath.dirname(folder)
    return tables.get(folder, "")


def _logs_of_img2dataset(paths: list[str]) -> set[str]:
    """The tables that img2dataset writes beside its tars and folders: they are no source.

    Source: img2dataset `writer.py`: `00000.parquet` beside `00000.tar` or `00000/`, and
    `00000_stats.json`.
    """
    present = {*paths, *(posixpath.dirname(path) for path in paths)}
    stems = {path.removesuffix("_stats.json") for path in paths if path.endswith("_stats.json")}
    return {f"{stem}.parquet" for stem in stems if f"{stem}.tar" in present or stem in present}
