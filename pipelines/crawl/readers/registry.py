"""All formats that can be read; the one place that names every reader.

To add a format, write a file that exports a `Reader` and list it here. Another package names its
readers in the entry points of `pipelines.plugins`; `register` adds one to this process alone.
"""

from functools import cache

from pipelines.crawl.readers import folder, html, mirror, parquet, tar, text_table, wacz, warc, wat
from pipelines.crawl.readers.reader import Reader, by_content
from pipelines.crawl.streams import OpenInput
from pipelines.plugins import READERS, installed

_READERS = [
    warc.READER,
    wat.READER,
    wacz.READER,
    html.READER,
    mirror.READER,
    parquet.READER,
    text_table.READER,
    tar.READER,
    folder.READER,
]


def readers() -> tuple[Reader, ...]:
    """All readers, in the order in which errors name their kinds."""
    _add_installed()
    return tuple(_READERS)


@cache
def _add_installed() -> None:
    """Register the readers of other packages, at the first look-up."""
    for reader in installed(READERS, Reader):
        register(reader)


def register(reader: Reader) -> None:
    """Make a further format known.

    Raises:
        ValueError: another reader has one of its suffixes, or its kind and magic.
    """
    for other in _READERS:
        if shared := set(other.suffixes) & set(reader.suffixes):
            raise ValueError(f"{min(shared)} files are already read as kind {other.kind!r}")
        if (other.kind, other.magic) == (reader.kind, reader.magic):
            raise ValueError(
                f"kind {reader.kind!r} already has a reader for content that begins with "
                f"{reader.magic!r}; give this one another kind, or the `magic` of its format"
            )
    _READERS.append(reader)


def unregister(reader: Reader) -> None:
    """Forget a reader that was registered."""
    _READERS.remove(reader)


def kinds() -> tuple[str, ...]:
    """The names of all kinds, each once."""
    return tuple(dict.fromkeys(reader.kind for reader in readers()))


def kind_of(path: str) -> str | None:
    """The kind of a file by the longest suffix that fits; None where none does."""
    lower = path.lower()
    fitting = [
        (len(suffix), reader.kind)
        for reader in readers()
        if lower.endswith(reader.suffixes)
        for suffix in reader.suffixes
        if lower.endswith(suffix)
    ]
    return max(fitting)[1] if fitting else None


def hint_for(path: str) -> str:
    """What to do with a file of a kindred format that is not read; empty for all others."""
    hints = (pair for reader in readers() for pair in reader.hints.items())
    return next((hint for suffix, hint in hints if path.lower().endswith(suffix)), "")


def readers_of(kind: str) -> list[Reader]:
    """The readers of a kind.

    Raises:
        ValueError: no reader has this kind.
    """
    found = [reader for reader in readers() if reader.kind == kind]
    if not found:
        raise ValueError(f"{kind!r} is not a kind of source; known are {', '.join(kinds())}")
    return found


def reader_for(opened: OpenInput) -> Reader:
    """The reader of an input; among those of its kind, by the first bytes of its content."""
    return by_content(readers_of(opened.file.kind), opened)
