"""What the type that a response declares says, and what its first bytes look like.

Media types and the names of their parameters have no case. Source: RFC 9110, section 8.3.1.
"""

import re
from functools import lru_cache

HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
LOOKS_LIKE_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body)\b", re.I)

_MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*<(?:[a-zA-Z]|!--|!doctype|\?xml)|\xff\xfe<\x00|\xfe\xff\x00<", re.I
)
_TAG = re.compile(rb"<[a-zA-Z][^<>]*>|<!--")
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")  # Source: WHATWG MIME Sniffing, 3
# Source: WHATWG MIME Sniffing, section 6.1; AVIF after ISO 14496-12, section 4.3.
_IMAGE = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....WEBP|BM|....ftyp(?:avi[fs]|mif1)", re.DOTALL
)
_CHARSET = re.compile(r";\s*charset\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s;,]*))", re.I)
_NUM_CACHED = 1024  # chosen: headers repeat; a cache of them is much faster than reading each
_HEAD_BYTES = 1024  # Source: WHATWG MIME Sniffing, section 5.2, rounded down


@lru_cache(_NUM_CACHED)
def media_type(content_type: str | None) -> str:
    """The type and subtype in lower case, without parameters; empty where none is declared.

    Of a header that was joined from several, the first.
    """
    return re.split("[;,]", content_type or "", maxsplit=1)[0].strip().lower()


@lru_cache(_NUM_CACHED)
def charset(content_type: str | None) -> str | None:
    """The parameter `charset` without quotes, in lower case; None where there is none."""
    found = _CHARSET.search(content_type or "")
    label = next((group for group in found.groups() if group), "") if found else ""
    return label.strip().lower() or None


def is_html(content_type: str | None, head: bytes) -> bool:
    """Whether a response is a page: by its type, or by its first bytes where it declares none."""
    declared = media_type(content_type)
    return declared in HTML_TYPES or (not declared and bool(LOOKS_LIKE_HTML.match(head)))


def is_markup(head: bytes) -> bool:
    """Whether content begins as a page or as XML."""
    return bool(_MARKUP.match(head))


def is_page_text(head: bytes) -> bool:
    """Whether content is text with a tag in it, as far as its first bytes tell."""
    return is_text(head) and bool(_TAG.search(head[:_HEAD_BYTES]))


def is_text(head: bytes) -> bool:
    """Whether content is text, as far as its first bytes tell."""
    return not _CONTROLS.search(head[:_HEAD_BYTES])


def is_image(head: bytes) -> bool:
    """Whether content begins as an image."""
    return bool(_IMAGE.match(head))
