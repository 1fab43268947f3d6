"""Finds, before parsing, markup that would cost a parser disproportionate time or memory.

Three constructions are quadratic in any parser that follows the standard: tags below many open
elements (each may walk up all of them), blocks after many formatting elements left open (each
copies all of them), and attributes of one tag (each is compared with all of them). 500 kB of the
first take lexbor 11 seconds; 25 kB of the second, 700 MB; 1 MB of the third, a minute.
"""

import re
from collections import defaultdict
from collections.abc import Iterator

from pipelines.rejection import Check

MAX_STEPS = 500_000_000  # chosen: depth times tags; one second of lexbor at the worst
MAX_COPIES = 2_000_000  # chosen: open formatting times tags; 200 MB of lexbor at the worst
MAX_ATTRIBUTES = 20_000  # chosen: of one tag; half a second of lexbor at the worst

# A page with fewer tags cannot exceed the limit, and is not examined.
_FEW_TAGS_FOR_STEPS = 22_000
_FEW_TAGS_FOR_COPIES = 2_000
_FEW_BYTES_FOR_ATTRIBUTES = 1 << 18  # chosen: six seconds of lexbor at the worst

_TAG = re.compile(rb"<(/?)([a-zA-Z][a-zA-Z0-9-]*)")
_FORMATTING = re.compile(
    rb"<(/?)(b|big|code|em|font|i|s|small|strike|strong|tt|u)(?=([\s/>]))", re.IGNORECASE
)
# Source: WHATWG HTML, sections 13.2.5.32 to 13.2.5.39, how a tag is split into attributes.
_ATTRIBUTE = rb"""=?[^\s/>=]++(?:\s*+=\s*+(?:"[^"]*+"?|'[^']*+'?|[^\s>]++)?+)?+|="""
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_WHOLE_TAG = re.compile(rb"<[a-zA-Z][^\s/>]*+(?:[\s/]++|" + _ATTRIBUTE + rb")*+")
# Elements that the next of their kind closes, or that are never open at all.
_FLAT = frozenset(
    b"area base br col embed hr img input link meta source track wbr "
    b"p li dt dd option optgroup tr td th tbody thead tfoot rb rt rtc rp".split()
)


def hazards(html: bytes) -> Iterator[Check]:
    """The checks that a page must pass before it is parsed."""
    num_tags = html.count(b"<")
    if num_tags > _FEW_TAGS_FOR_STEPS:
        yield _at_most("page_too_deep", _max_depth(html), MAX_STEPS // num_tags)
    if num_tags > _FEW_TAGS_FOR_COPIES:
        yield _at_most("page_too_tangled", _max_open_formatting(html), MAX_COPIES // num_tags)
    if len(html) > _FEW_BYTES_FOR_ATTRIBUTES:
        yield _at_most("page_too_tangled", _max_attributes(html), MAX_ATTRIBUTES)


def _at_most(reason: str, measured: int, limit: int) -> Check:
    return Check(reason, measured <= limit, measured, limit)


def _max_depth(html: bytes) -> int:
    depth = deepest = 0
    for match in _TAG.finditer(html):
        if match[2].lower() in _FLAT:
            continue
        depth = max(0, depth - 1) if match[1] else depth + 1
        deepest = max(deepest, depth)
    return deepest


def _max_open_formatting(html: bytes) -> int:
    """The most formatting elements open at once, not counting those without attributes.

    A parser keeps at most three equal ones, so only attributes can make them many.
    Source: WHATWG HTML, section 13.2.4.3, the "Noah's Ark clause".
    """
    has_attributes: dict[bytes, list[bool]] = defaultdict(list)
    num_open = most = 0
    for match in _FORMATTING.finditer(html):
        stack = has_attributes[match[2].lower()]
        if not match[1]:
            stack.append(match[3] != b">")
            num_open += stack[-1]
            most = max(most, num_open)
        elif stack:
            num_open -= stack.pop()
    return most


def _max_attributes(html: bytes) -> int:
    """The most attributes of one tag, among tags long enough to have too many."""
    tags = (match.span() for match in _WHOLE_TAG.finditer(html))
    return max(
        (
            sum(1 for _ in _ATTRIBUTES.finditer(html, start, end))
            for start, end in tags
            if end - start > 2 * MAX_ATTRIBUTES
        ),
        default=0,
    )
