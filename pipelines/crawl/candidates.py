"""Turns images as found into candidates or rejections."""

from typing import NamedTuple

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.references import is_inline, resolve
from pipelines.io.keys import pair_key
from pipelines.records import Candidate
from pipelines.rejection import Rejection

STAGE = "crawl"
DUPLICATE = "duplicate_pair"  # another row of its key stands for it
NO_CAPTION = "no_caption"
TOO_MANY_CAPTIONS = "too_many_captions"  # of its image
MAX_QUOTED_CHARS = 1000  # chosen: enough to recognise a dropped row, too little to fill a shard


class Found(NamedTuple):  # made in a third of the time of a frozen dataclass
    """An image and its text as written, before any check.

    Args:
        raw_url: as in the markup or the table; may be relative, hostile or empty.
        caption: as found; may be empty.
        text_source: as in `Candidate`.
        base_url: what `raw_url` is relative to; empty where nothing is known.
        page_url: as in `Candidate`, like the rest.
        name: of an image that the input holds, within the input.
    """

    raw_url: str
    caption: str
    text_source: str
    base_url: str = ""
    page_url: str = ""
    source: str = ""
    page_language: str = ""
    license: str = ""
    opt_out: str = ""
    declared_hash: str = ""
    name: str = ""
    carried: str = ""


def to_candidate(found: Found, config: CrawlConfig) -> Candidate | Rejection:
    """Resolve the URL of an image and check it; its key comes from the canonical URL, if any."""
    # Unpacked once: this runs for every image of the web.
    (raw_url, caption, text_source, base_url, page_url, source, language, license_, opt_out,
     declared_hash, _, carried) = found  # fmt: skip
    if is_inline(raw_url):
        return rejection(raw_url, caption, "data_uri")
    try:
        url = resolve(raw_url, base_url, page_url)
    except ValueError as error:
        return rejection(raw_url, caption, "bad_url", str(error))
    if opt_out and config.honours_page_opt_out:
        return rejection(url, caption, "page_opt_out", opt_out)
    unfit = unfit_caption(url, found, config)
    if unfit is not None:
        return unfit
    caption = kept_caption(caption, config)
    key = pair_key(url, caption)
    return Candidate(
        key, url, caption, page_url, text_source, source, language, license_, opt_out,
        declared_hash, carried=carried,
    )  # fmt: skip


def unfit_caption(url: str, found: Found, config: CrawlConfig) -> Rejection | None:
    """Why a caption is too short or too long for a candidate; None where it is neither."""
    length = len(found.caption.strip())
    if length == 0 and config.needs_captions:
        return rejection(url, found.caption, NO_CAPTION, found.page_url or found.name)
    if length < config.min_caption_chars:
        return _misfit(url, found.caption, "caption_too_short", length, config.min_caption_chars)
    if length > config.max_caption_chars:
        return _misfit(url, found.caption, "caption_too_long", length, config.max_caption_chars)
    return None


def kept_caption(caption: str, config: CrawlConfig) -> str:
    """A caption that fits, as a row has it: one of whitespace alone is empty, like one of none."""
    return caption if config.needs_captions or not caption.isspace() else ""


def rejection(
    url: str,
    caption: str,
    reason: str,
    detail: str = "",
    *,
    key: str = "",
    measured: float | None = None,
    threshold: float | None = None,
) -> Rejection:
    """A rejection of this stage; of URL and caption, which make its key, it quotes little.

    Args:
        url: whole, as far as it is known.
        caption: whole.
        reason: as in `Rejection`, like the rest.
        detail: what a number cannot say.
        key: of a row that was a candidate: it may come from the image's bytes.
        measured: the value found.
        threshold: the limit.
    """
    return Rejection(
        key=key or pair_key(url, caption),
        url=url[:MAX_QUOTED_CHARS],
        caption=caption[:MAX_QUOTED_CHARS],
        stage=STAGE,
        reason=reason,
        measured=measured,
        threshold=threshold,
        detail=detail[:MAX_QUOTED_CHARS],
    )


def _misfit(url: str, caption: str, reason: str, length: int, limit: int) -> Rejection:
    return rejection(url, caption, reason, measured=length, threshold=limit)
