"""From a row of a table to its image and captions."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pipelines.crawl.books import PassedOver
from pipelines.crawl.candidates import Found, rejection
from pipelines.crawl.tables.columns import Columns, text_of, texts_of
from pipelines.io.carried import NOTHING, Carried, packed
from pipelines.io.hashes import KINDS, HashKind, declared, hash_in
from pipelines.rejection import Rejection

Row = list[Any]


class Damage(NamedTuple):
    """Stands for a row that cannot be read.

    Args:
        detail: why, in words.
        reason: of its rejection: `bad_record`, or `bad_encoding` where its bytes are no text.
        text: what it says, as far as that is known.
    """

    detail: str
    reason: str = "bad_record"
    text: str = ""


def found_in(row: Row, columns: Columns, source: str) -> Iterator[Found | Rejection | PassedOver]:
    """The image of a row, once for each caption; a rejection where its captions are no texts.

    A cell that should hold a hash and does not is counted, and the row goes on without it.

    Args:
        row: its cells; those at its end may be missing, but for the URL and the caption.
        columns: where its values are; the URL is empty where there is no such column.
        source: as in `Candidate`.
    """
    try:
        captions = [""] if columns.caption is None else texts_of(row[columns.caption])
    except UnicodeError as error:
        yield rejection(_cell(row, columns.url), "", "bad_encoding", str(error))
        return
    except ValueError as error:
        yield rejection(_cell(row, columns.url), "", "bad_record", str(error))
        return
    declared_hash = ""
    if columns.md5 is not None or columns.sha256 is not None or columns.phash is not None:
        hashes = _hashes(row, columns)
        for kind in (kind for kind, digits in hashes.items() if digits is None):
            yield PassedOver(f"cells that are no {kind} hash")
        declared_hash = declared({kind: digits or "" for kind, digits in hashes.items()})
    carried = _carried(row, columns)
    yield from not_carried(carried)
    for caption in captions:
        yield Found(
            raw_url=_cell(row, columns.url),
            caption=caption,
            text_source="table",
            page_url=_cell(row, columns.page_url),
            source=source,
            license=_cell(row, columns.license),
            declared_hash=declared_hash,
            carried=carried.text,
        )


def not_carried(carried: Carried) -> Iterator[PassedOver]:
    """What is left out of the values of a row, for the books."""
    return (PassedOver(f"values of `{name}` that cannot be carried") for name in carried.left_out)


def bad(damage: Damage) -> Rejection:
    """The rejection of a row that cannot be read."""
    return rejection("", damage.text, damage.reason, damage.detail)


def joined(row: Row) -> str:
    """The cells of a row as one text, for its rejection."""
    return "\t".join(map(text_of, row))


def _cell(row: Row, index: int | None) -> str:
    return text_of(row[index]) if index is not None and index < len(row) else ""


def _carried(row: Row, columns: Columns) -> Carried:
    if not columns.carried:
        return NOTHING
    return packed({name: row[i] for name, i in columns.carried if i < len(row)})


def _hashes(row: Row, columns: Columns) -> dict[HashKind, str | None]:
    """The hashes of a row; None for a cell that is none, nothing for one that is not there."""
    places = ((kind, getattr(columns, kind)) for kind in KINDS)
    return {k: hash_in(row[i], k) for k, i in places if i is not None and i < len(row)}
