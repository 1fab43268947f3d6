"""Wiring of the crawl stage; the logic is in `inputs.py` and `shard.py`."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.pvalue import DoOutputsTuple, PBegin, PCollection
from apache_beam.transforms.core import RestrictionProvider
from apache_beam.transforms.window import GlobalWindows

from pipelines.crawl.blobs import CandidateRef, Packed, pack, spill
from pipelines.crawl.books import (
    InputKey,
    PassedOver,
    SourceBook,
    Tally,
    add_books,
    add_tallies,
    book_of,
)
from pipelines.crawl.candidates import NO_CAPTION
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.copies import HeldRows, Settled
from pipelines.crawl.discovery import Discovered, discover
from pipelines.crawl.inputs import input_extent, read_input
from pipelines.crawl.site.transforms import FILES, CrawlSites
from pipelines.crawl.site.visit import Visits
from pipelines.crawl.sources import InputFile, Source
from pipelines.crawl.splits import Claims, Extent
from pipelines.crawl.stored import StoredRef
from pipelines.rejection import Rejection

REJECTED = "rejected"
STORED = "stored"
TALLIES = "tallies"
_BOOKKEEPER = 0  # the shard that takes the books of all sources into its report


@dataclass(eq=False)
class ExtractCandidates(beam.PTransform[PBegin, PCollection[tuple[int, Any]]]):
    """The inputs of a config in; `(shard, Settled | SourceBook)` out.

    All rows of a key are in one shard, and the book of every source is in the first.

    Args:
        config: what to read.
        num_shards: of the run.
        spill_folder: URL of a folder for the bytes of images; swept when the stage ends.
        live: how its sites are visited; None where it has none.
    """

    config: CrawlConfig
    num_shards: int
    spill_folder: str
    live: Visits | None = None

    def expand(self, root: PBegin) -> PCollection[tuple[int, Any]]:
        found = discover(self.config)
        files = root | "Inputs" >> beam.Create(found.inputs, reshuffle=False)
        aside = {}
        if self.live is not None:
            crawled = root | "CrawlSites" >> CrawlSites(self.live)
            files = (files, crawled[FILES]) | "WithPages" >> beam.Flatten()
            aside["SettleNeverRead"] = crawled[REJECTED]
        read = files | "Read" >> ReadInputs(self.config, self.spill_folder)
        aside |= {"SettleRejected": read[REJECTED], "SettleStored": read[STORED]}
        # Each where it is read, before any `Flatten`: the local runner brings together rows one by
        # one, and holds them all.
        blocks = [
            rows | label >> beam.ParDo(self._settle())
            for label, rows in {"SettleFound": read.found, **aside}.items()
        ]
        return (*blocks, read[TALLIES] | KeepBooks(found)) | "WithBooks" >> beam.Flatten()

    def _settle(self) -> "_SettleCopiesFn":
        return _SettleCopiesFn(self.num_shards, self.config.max_captions_per_image)


@dataclass(eq=False)
class KeepBooks(beam.PTransform[PCollection[tuple[InputKey, Tally]], PCollection[tuple[int, Any]]]):
    """The tallies of parts of inputs in; `(shard, SourceBook)` out, one book for each source.

    Args:
        found: what the sources hold beside their inputs.
    """

    found: Discovered

    def expand(self, tallies: PCollection[tuple[InputKey, Tally]]) -> PCollection[tuple[int, Any]]:
        never_read = tallies.pipeline | "NeverRead" >> beam.Create(self.found.books)
        read = (
            tallies
            | "ByInput" >> beam.CombinePerKey(add_tallies)  # a few at a time
            | "OfInput" >> beam.MapTuple(book_of)
        )
        return (
            (read, never_read)
            | "AllBooks" >> beam.Flatten()
            | "BySource" >> beam.WithKeys(_source)
            | "Add" >> beam.CombinePerKey(add_books)
            | "ToFirstShard" >> beam.MapTuple(_to_bookkeeper)
        )


@dataclass(eq=False)
class ReadInputs(beam.PTransform[PCollection[tuple[InputFile, Source]], DoOutputsTuple]):
    """Inputs in, read in parts; `(key, Packed)` on `found`, each `Rejection` on `rejected`.

    On `stored` comes a `StoredRef` for each image that an input holds beside pages, and on
    `tallies` an `(InputKey, Tally)` for each part.

    Args:
        config: what makes a candidate.
        spill_folder: as in `ExtractCandidates`.
    """

    config: CrawlConfig
    spill_folder: str

    def expand(self, files: PCollection[tuple[InputFile, Source]]) -> DoOutputsTuple:
        read = beam.ParDo(_ReadPartFn(self.config, self.spill_folder))
        return (
            files
            | "Spread" >> beam.Reshuffle()
            | "ReadParts" >> read.with_outputs(REJECTED, STORED, TALLIES, main="found")
        )


class _AllPositions(OffsetRange):
    """The positions of an input before it is split, and of one part: an input is looked at once."""

    def __init__(self, extent: Extent) -> None:
        OffsetRange.__init__(self, 0, max(1, extent.size))  # of an empty one, the tally names it
        self.step = extent.step


class _Parts(RestrictionProvider):
    """The positions of an input as restrictions, which a runner may split further at any time."""

    def initial_restriction(self, element: tuple[InputFile, Source]) -> _AllPositions:
        return _AllPositions(input_extent(element[0]))

    def create_tracker(self, restriction: OffsetRange) -> OffsetRestrictionTracker:
        return OffsetRestrictionTracker(restriction)

    def split(
        self, element: tuple[InputFile, Source], restriction: _AllPositions
    ) -> Iterator[OffsetRange]:
        return OffsetRange(restriction.start, restriction.stop).split(restriction.step)

    def restriction_size(self, element: tuple[InputFile, Source], restriction: OffsetRange) -> int:
        return restriction.size()


class _ReadPartFn(beam.DoFn):
    def __init__(self, config: CrawlConfig, spill_folder: str) -> None:
        self.config, self.spill_folder = config, spill_folder

    def process(
        self,
        element: tuple[InputFile, Source],
        tracker: Any = beam.DoFn.RestrictionParam(_Parts()),  # noqa: B008 - Beam's own idiom
    ) -> Iterator[Any]:
        file, source = element
        claim = Claims(tracker.try_claim)
        start = tracker.current_restriction().start
        rows = read_input(file, source, self.config, start, claim)
        told, stored, uncaptioned, passed_over = 0, 0, 0, Counter[str]()
        for row in spill(rows, self.spill_folder):
            if isinstance(row, PassedOver):
                passed_over[row.what] += row.count
                continue
            if isinstance(row, StoredRef):
                stored += 1
                yield beam.pvalue.TaggedOutput(STORED, row)
                continue
            told += 1
            if isinstance(row, CandidateRef):
                yield row.candidate.key, pack(row)
            else:
                uncaptioned += row.reason == NO_CAPTION
                yield beam.pvalue.TaggedOutput(REJECTED, row)
        key = InputKey(file.config_key, file.name)
        tally = Tally(told, dict(passed_over), uncaptioned, stored)
        yield beam.pvalue.TaggedOutput(TALLIES, (key, tally))
        if not claim.was_refused:  # the input ended before the part did
            tracker.try_claim(tracker.current_restriction().stop)


class _SettleCopiesFn(beam.DoFn):
    """Of the rows of a bundle, a block for each shard crosses the shuffle, without copies."""

    def __init__(self, num_shards: int, most: int | None) -> None:
        self.num_shards, self.most = num_shards, most

    def start_bundle(self) -> None:
        self._held = HeldRows(self.num_shards, self.most)

    def process(
        self, row: tuple[str, Packed] | Rejection | StoredRef
    ) -> Iterable[tuple[int, Settled]]:
        if isinstance(row, Rejection):
            self._held.drop(row)
        elif isinstance(row, StoredRef):
            self._held.store(row)
        else:
            self._held.add(*row)
        return self._held.let_go() if self._held.is_full else ()

    def finish_bundle(self) -> Iterator[Any]:
        yield from map(GlobalWindows.windowed_value, self._held.let_go())


def _source(book: SourceBook) -> str:
    return book.source


def _to_bookkeeper(_source: str, book: SourceBook) -> tuple[int, SourceBook]:
    return _BOOKKEEPER, book
