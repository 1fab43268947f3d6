"""Path patterns of robots.txt: `*` is any run of characters, a final `$` is the end."""

import re
from urllib.parse import urlsplit

from pipelines.web.urls import normal_escapes

_ESCAPE_OR_OTHER = re.compile(rb"%([0-9A-Fa-f]{2})|([^A-Za-z0-9._~/!$&'()*+,;=:@?-])")
_ESCAPE_OR_WIDE = re.compile(rb"%[0-9A-Fa-f]{2}|[\x80-\xff]")


def matches(pattern: str, text: str) -> bool:
    """Whether a text starts with a match of the pattern; in time linear in both.

    Source: RFC 9309, section 2.2.3.
    """
    is_whole = pattern.endswith("$")
    first, *pieces = pattern.removesuffix("$").split("*")
    if not text.startswith(first):
        return False
    position = len(first)
    if not pieces:
        return not is_whole or position == len(text)
    for piece in pieces[:-1]:
        found = text.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    if is_whole:
        return text.endswith(pieces[-1]) and len(text) - len(pieces[-1]) >= position
    return text.find(pieces[-1], position) >= 0


def path_of(url: str) -> str:
    """What patterns of paths are compared with: path and query of a URL."""
    parts = urlsplit(url)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def ascii_form(octets: bytes) -> str:
    """A path as in URLs: octets outside ASCII as escapes, escapes in capitals."""
    return _ESCAPE_OR_WIDE.sub(_as_escape, octets).decode("ascii")


def normal_form(text: str) -> str:
    """A path or pattern with escapes only where needed, the same for equivalent paths.

    Source: RFC 9309, section 2.2.2, and RFC 3986, section 6.2.2.
    """
    return normal_escapes(text.encode("utf-8", "surrogatepass"), _ESCAPE_OR_OTHER)


def _as_escape(match: re.Match[bytes]) -> bytes:
    return match[0].upper() if match[0][:1] == b"%" else b"%%%02X" % match[0][0]
