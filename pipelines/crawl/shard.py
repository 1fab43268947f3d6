"""A shard of candidates: one survivor for each key, with its bytes where they are known."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from dalle_model.shards import image_of
from pipelines.crawl.blobs import CandidateRef, key_of, load, unpack
from pipelines.crawl.books import SourceBook, total_passed_over, warnings
from pipelines.crawl.candidates import rejection
from pipelines.crawl.copies import Settled, Survivors
from pipelines.crawl.crowds import counted
from pipelines.crawl.rejections import Rejections, values_of
from pipelines.crawl.stored import IMAGE_OPT_OUT, TAKEN, Latest
from pipelines.io.finish import rejection_table
from pipelines.io.refusals import Refusals, named_in, own_refusals, removed_rows
from pipelines.io.task import ShardResult, StageTask
from pipelines.records import CANDIDATE_SCHEMA
from pipelines.rejection import Rejection


def complete_shard(
    task: StageTask,
    index: int,
    values: Iterable[Settled | SourceBook],
    most: int | None,
    *,
    honours_opt_out: bool = True,
) -> ShardResult:
    """The rows and rejections of a shard.

    All rows of one key are in one shard, so that removing duplicates here saves a shuffle.

    Args:
        task: the stage's work.
        index: of the shard.
        values: what workers have settled, and in one shard the book of each source; any order.
        most: captions kept of an image; None for all.
        honours_opt_out: drop the rows of images whose stored headers refuse their use.

    Raises:
        ChangedInputError: the bytes of an image are no longer what they were.
    """
    del index
    refusals = own_refusals(task)
    books: list[SourceBook] = []
    rejections = Rejections()
    survivors = Survivors(most, rejections.add)
    stored = Latest()
    for value in values:
        if isinstance(value, SourceBook):
            books.append(value)
        else:
            _take(value, survivors, rejections, stored)
    left = survivors.rows()
    rejected = rejections.table()
    if most is not None:
        rejected = counted(rejected, left, most)
    rows = [_with_stored(unpack(packed), stored) for packed in left.values()]
    if refusals:
        rows, rejected = _without_removed(rows, rejected, refusals, task.stage)
    num_rows = len(rows) + rejected.num_rows
    refs, refused = [], Rejections()
    for ref in rows:
        if honours_opt_out and ref.digest and ref.candidate.opt_out:
            refused.add(values_of(_refused(ref)))
        else:
            refs.append(ref)
    taken = {image_of(ref.candidate.key) for ref in refs if ref.digest}
    return ShardResult(
        pa.Table.from_pylist(load(refs), schema=CANDIDATE_SCHEMA),
        pa.concat_tables([rejected, refused.table()]),
        num_rows,
        passed_over=total_passed_over(books),
        warnings=warnings(books),
        tallies={TAKEN: len(taken)} if taken else {},
    )


def _without_removed(
    rows: list[CandidateRef], rejected: pa.Table, refusals: Refusals, stage: str
) -> tuple[list[CandidateRef], pa.Table]:
    """The rows of a shard without those that were removed, which are no more than counted."""
    names = ("key", "url", "page_url", "declared_hash")
    columns = {name: [getattr(row.candidate, name) for row in rows] for name in names}
    columns["sha256"] = [row.digest for row in rows]
    kept = pa.table(columns, pa.schema([CANDIDATE_SCHEMA.field(name) for name in columns]))
    named = named_in(kept, refusals) | named_in(rejected, refusals)
    is_gone = named.mask(rejected["key"])
    rest = [row for row in rows if not named.has(row.candidate.key)]
    count = len(rows) - len(rest) + (pc.sum(is_gone).as_py() or 0)
    gone = rejection_table(removed_rows(count, stage))
    return rest, pa.concat_tables([rejected.filter(pc.invert(is_gone)), gone])


def _with_stored(ref: CandidateRef, stored: Latest) -> CandidateRef:
    """A row with the image that is stored under its URL, if one is."""
    found = None if ref.blob else stored.of(image_of(ref.candidate.key))
    if found is None:
        return ref
    candidate = ref.candidate._replace(opt_out=ref.candidate.opt_out or found.opt_out)
    return CandidateRef(candidate, found.blob, found.digest)


def _refused(ref: CandidateRef) -> Rejection:
    key, url, caption, *_ = ref.candidate
    return rejection(url, caption, IMAGE_OPT_OUT, ref.candidate.opt_out, key=key)


def _take(settled: Settled, survivors: Survivors, rejections: Rejections, stored: Latest) -> None:
    for ref in settled.images():
        stored.add(ref)
    for packed in settled.candidates():
        survivors.add(key_of(packed), packed)
    for row, count in settled.rejections():
        rejections.add(row, count)
