"""The words by which sites opt out, and which of them the headers of a response contain."""

import re
from collections.abc import Iterable, Iterator

# Against use for AI, or of images, in the order in which they are reported. Source: DeviantArt,
# "noai" and "noimageai" (2022); the `noml` proposal of Mojeek (2023); Google, "Robots meta tag".
OPT_OUT_WORDS = ("noai", "noimageai", "noml", "noimageindex")
# `noindex` and `none` are about indexes. For an image they count, as a data set is an index; a page
# (a login, a list of results) says nothing about its images by them.
REFUSALS = frozenset({*OPT_OUT_WORDS, "noindex", "none"})

TDM_RESERVATION = "tdm-reservation"  # a header, a `<meta>` and a key. Source: W3C TDMRep (2024)

# Directives with a value after a colon, so that the word before it is not a crawler's name.
_WITH_VALUE = frozenset(
    {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}
)
_SCOPED = re.compile(r"\s*([a-z*][a-z0-9_.*/-]*)\s*:(.*)", re.DOTALL)

Headers = Iterable[tuple[str, str]]


def opt_out(headers: Headers, token: str) -> str | None:
    """The directive by which a response forbids this crawler to use it; None where there is none.

    A directive after `name:` addresses that crawler alone, up to the next name or the end of the
    header. An `unavailable_after` date is not compared with the clock: the answer would change
    from day to day.

    Args:
        headers: names and values in any case; repeated headers as repeated pairs.
        token: this crawler's product token, in lower case.

    Source: Google, "Robots meta tag specifications"; W3C TDMRep final report (2024), section 5.
    """
    for name, value in headers:
        if name.lower() == TDM_RESERVATION and value.strip() == "1":
            return f"{TDM_RESERVATION}: 1"
        refused = (word for word in directives([(name, value)], token) if word in REFUSALS)
        if word := next(refused, None):
            return word
    return None


def directives(headers: Headers, token: str) -> Iterator[str]:
    """The words in X-Robots-Tag that are meant for this crawler, in lower case.

    Args:
        headers: as in `opt_out`.
        token: as in `opt_out`.
    """
    for name, value in headers:
        if name.lower() == "x-robots-tag":
            yield from _directives(value.lower(), token)


def _directives(value: str, token: str) -> Iterator[str]:
    """The words of one X-Robots-Tag header that are meant for this crawler."""
    is_for_us = True
    for item in re.split(r"[,;]", value):
        words = item
        if scoped := _SCOPED.match(item):
            name, words = scoped[1], scoped[2]
            if name in _WITH_VALUE:
                continue
            is_for_us = name.split("/")[0] in {token, "*"}
        if is_for_us:
            yield from words.split()
