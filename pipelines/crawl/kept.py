"""Rows of a keep list: all others of a run's sources are left out, and counted."""

from pipelines.crawl.candidates import rejection
from pipelines.crawl.images.image import InlineImage
from pipelines.io.carried import unpacked
from pipelines.io.uids import UID, KeepList
from pipelines.records import Candidate
from pipelines.rejection import Rejection

NOT_IN_KEEP_LIST = "not_in_keep_list"

Row = Candidate | InlineImage | Rejection


def if_kept(row: Row, keep: KeepList | None) -> Row:
    """A row, or its rejection where there is a keep list without the `uid` that it carries."""
    if keep is None or isinstance(row, Rejection):
        return row
    candidate = row.candidate if isinstance(row, InlineImage) else row
    uid = str(unpacked(candidate.carried).get(UID, ""))
    if keep.has(uid):
        return row
    url, caption, detail = candidate.url, candidate.caption, uid or "without a uid"
    return rejection(url, caption, NOT_IN_KEEP_LIST, detail, key=candidate.key)
