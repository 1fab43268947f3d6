"""Markup that would cost a parser time or memory out of all proportion, found before parsing.

Two constructions are quadratic in any parser that follows the standard: elements nested in each
other (each start tag walks up the open elements), and formatting elements left open (each new
block copies all of them). 25 kB of the latter take 700 MB; 500 kB of the former, 11 seconds.
"""

import re
from collections import defaultdict
from collections.abc import Iterator

from pipelines.rejection import Check

MAX_DEPTH = 10_000  # chosen: 0.1 s of lexbor; browsers stop at 512 levels
MAX_COPIES = 2_000_000  # chosen: about 200 MB of lexbor's nodes

# Pages with fewer tags cannot pass the limits, and are not looked at.
_FEW_TAGS_FOR_COPIES = 2_000
_FEW_TAGS_FOR_DEPTH = 2 * MAX_DEPTH

_TAG = re.compile(rb"<(/?)([a-zA-Z][a-zA-Z0-9-]*)")
_FORMATTING = re.compile(
    rb"<(/?)(b|big|code|em|font|i|s|small|strike|strong|tt|u)(?=([\s/>]))", re.IGNORECASE
)
# Elements that stay open no longer than to the next of their kind, or are never open at all.
_FLAT = frozenset(
    b"area base br col embed hr img input link meta source track wbr "
    b"p li dt dd option optgroup tr td th tbody thead tfoot rb rt rtc rp".split()
)


def hazards(html: bytes) -> Iterator[Check]:
    """The checks that a page must pass before it is parsed."""
    num_tags = html.count(b"<")
    if num_tags > _FEW_TAGS_FOR_DEPTH:
        depth = _max_depth(html)
        yield Check("page_too_deep", depth <= MAX_DEPTH, depth, MAX_DEPTH)
    if num_tags > _FEW_TAGS_FOR_COPIES:
        copies = _max_open_formatting(html) * num_tags
        yield Check("page_too_tangled", copies <= MAX_COPIES, copies, MAX_COPIES)


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
