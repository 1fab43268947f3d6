"""The books of a source: all that was in its inputs, which rows and rejections alone do not say.

What an input holds beside images and their texts is counted by kind, and an input that gave nothing
at all is named. The books of a stage go into its manifest.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import NamedTuple

MAX_NAMED = 10  # inputs without rows; chosen: a line of a terminal
_MAX_KINDS = 40  # chosen: more than all readers know, so that only a faulty one reaches it
_OTHERS = "others"


@dataclass(frozen=True)
class PassedOver:
    """What an input holds beside images and their texts: neither a row nor a loss, but counted.

    Args:
        what: in the plural, for a person: `request records`, `.mp4 members`; one of a small set,
            so that no input can fill the books.
        count: how many.
    """

    what: str
    count: int = 1


class InputKey(NamedTuple):
    """An input in its source.

    Args:
        source: the setting that names it, such as `crawl.sources[0]`.
        name: path within the source; empty for one that need not be named.
    """

    source: str
    name: str


@dataclass(frozen=True)
class Tally:
    """What a part of an input held, or all of it.

    Args:
        told: rows and rejections.
        passed_over: by kind.
        uncaptioned: of the rejections, those of images without a caption.
        stored: images for the rows of others.
    """

    told: int = 0
    passed_over: Mapping[str, int] = field(default_factory=dict)
    uncaptioned: int = 0
    stored: int = 0


@dataclass(frozen=True)
class SourceBook:
    """What some inputs of one source held.

    Args:
        source: the setting that names it.
        num_inputs: how many inputs.
        num_silent: those that gave neither a row nor a rejection.
        silent: the names of these, sorted, up to `MAX_NAMED`.
        passed_over: by kind.
        told: rows and rejections.
        uncaptioned: as in `Tally`.
    """

    source: str
    num_inputs: int = 0
    num_silent: int = 0
    silent: tuple[str, ...] = ()
    passed_over: Mapping[str, int] = field(default_factory=dict)
    told: int = 0
    uncaptioned: int = 0


def add_tallies(tallies: Iterable[Tally]) -> Tally:
    """The tally of several parts of one input."""
    parts = list(tallies)
    return Tally(
        sum(part.told for part in parts),
        _added(part.passed_over for part in parts),
        sum(part.uncaptioned for part in parts),
        sum(part.stored for part in parts),
    )


def book_of(key: InputKey, tally: Tally) -> SourceBook:
    """The book of a source of which one input has been read whole."""
    is_silent = not tally.told and not tally.stored and bool(key.name)
    names = (key.name,) if is_silent else ()
    told, uncaptioned = tally.told, tally.uncaptioned
    return SourceBook(key.source, 1, int(is_silent), names, tally.passed_over, told, uncaptioned)


def add_books(books: Iterable[SourceBook]) -> SourceBook:
    """The book of all inputs of the books of one source; at least one."""
    parts = list(books)
    return SourceBook(
        parts[0].source,
        sum(part.num_inputs for part in parts),
        sum(part.num_silent for part in parts),
        tuple(nsmallest(MAX_NAMED, (name for part in parts for name in part.silent))),
        _added(part.passed_over for part in parts),
        sum(part.told for part in parts),
        sum(part.uncaptioned for part in parts),
    )


def total_passed_over(books: Iterable[SourceBook]) -> dict[str, int]:
    """What all sources passed over, by kind, sorted."""
    return dict(sorted(_added(book.passed_over for book in books).items()))


def warnings(books: Iterable[SourceBook]) -> list[str]:
    """A line for each source with inputs that gave nothing, and for each without any caption."""
    ordered = sorted(books, key=lambda book: book.source)
    silent = [_of_silent(book) for book in ordered if book.num_silent]
    return silent + [_of_uncaptioned(b) for b in ordered if 0 < b.told == b.uncaptioned]


def _of_uncaptioned(book: SourceBook) -> str:
    return (
        f"{book.source}: none of its {book.told:,} images has a caption; to keep them, set "
        "`crawl.min_caption_chars: 0` and `captions.recipe: none`"
    )


def _of_silent(book: SourceBook) -> str:
    rest = book.num_silent - len(book.silent)
    names = ", ".join(book.silent) + (f" and {rest:,} more" if rest else "")
    if book.num_silent < book.num_inputs:
        return (
            f"{book.source}: {book.num_silent:,} of {book.num_inputs:,} inputs gave no row and no "
            f"rejection: {names}"
        )
    return f"{book.source} is empty: no row and no rejection from {names}"


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    kept = sorted(total, key=lambda what: (-total[what], what))[:_MAX_KINDS]
    others = sum(total.values()) - sum(total[what] for what in kept)
    return {what: total[what] for what in sorted(kept)} | ({_OTHERS: others} if others else {})
