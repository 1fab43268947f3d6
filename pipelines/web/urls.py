"""Canonical URLs, so that equal images have equal keys and every check sees the same host."""

import functools
import ipaddress
import re
import socket
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

import idna

SCHEMES = {"http": 80, "https": 443}
MAX_URL_CHARS = 8000  # Source: RFC 9110, section 4.1: what every party is asked to support

_BLANKS = "".join(map(chr, range(0x21)))  # C0 controls and space. Source: WHATWG URL, section 4.4
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# An escape, or a byte that has to become one. Source: RFC 3986, sections 3.3 and 3.4; brackets
# in a query are not in the RFC, but servers expect them bare.
_IN_PATH = re.compile(rb"%([0-9A-Fa-f]{2})|([^A-Za-z0-9._~/!$&'()*+,;=:@-])")
_IN_QUERY = re.compile(rb"%([0-9A-Fa-f]{2})|([^A-Za-z0-9._~/!$&'()*+,;=:@?\[\]-])")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
# A path and a query of characters that stay and of escapes that stay escaped.
_STAYS = r"[A-Za-z0-9._~/!$&'()*+,=@-]"
_STAYS_ESCAPED = r"%(?:[0189A-F][0-9A-F]|2[0-9A-CF])"
PLAIN_TAIL = (
    rf"{_STAYS}*+(?:{_STAYS_ESCAPED}{_STAYS}*+)*+"
    rf"(?:\?(?:[A-Za-z0-9._~/!$&'()*+,=@;:?\[\]-]|{_STAYS_ESCAPED})++)?"
)
_PLAIN_URL = re.compile(rf"(https?://)([A-Za-z0-9._-]++)(/{PLAIN_TAIL})")


def canonical_url(url: str) -> str:
    """The canonical form of an absolute http or https URL.

    Scheme and host are lower-cased, the host is in IDNA form or a plain IP address, the default
    port and the fragment are dropped, dot segments are resolved and percent-encoding is in normal
    form. The query is kept. The result is a fixed point of this function.

    Raises:
        ValueError: not http(s), no host, a host that cannot be one, a user name or password, a
            port out of range, or longer than `MAX_URL_CHARS`.

    Source: RFC 3986, section 6.2; WHATWG URL, section 4.4, for what browsers accept.
    """
    plain = plain_url(url)
    if plain is not None:
        return plain
    parts = _split(url)
    host = canonical_host(parts.hostname or "")
    authority = f"[{host}]" if ":" in host else host
    if parts.port is not None and parts.port != SCHEMES[parts.scheme]:
        authority += f":{parts.port}"
    path = _remove_dot_segments(normal_escapes(parts.path.encode(), _IN_PATH)) or "/"
    query = f"?{normal_escapes(parts.query.encode(), _IN_QUERY)}" if parts.query else ""
    canonical = f"{parts.scheme}://{authority}{path}{query}"
    if len(canonical) > MAX_URL_CHARS:
        raise ValueError(f"URL of {len(canonical)} characters, limit {MAX_URL_CHARS}")
    return canonical


def plain_url(url: str) -> str | None:
    """The result of `canonical_url` where at most the host changes, which is quick to check.

    Nearly all image URLs are of this kind; None for all others, valid or not.
    """
    parts = _PLAIN_URL.fullmatch(url)
    if parts is None or "/." in parts[3] or len(url) > MAX_URL_CHARS:
        return None
    try:
        return parts[1] + canonical_host(parts[2].lower()) + parts[3]
    except ValueError:
        return None


@functools.lru_cache(maxsize=65536)  # hosts repeat, and IDNA lookups are slow
def canonical_host(host: str) -> str:
    """A host name in lower-case IDNA form, or an IP address in its usual notation, unbracketed.

    Raises:
        ValueError: it can be neither.
    """
    if "%" in host and ":" in host:
        raise ValueError(f"{host!r} has a zone, which means something on one machine only")
    if ":" in host:
        return str(ipaddress.IPv6Address(host))
    try:
        host = unquote_to_bytes(host).decode()
        name = idna.uts46_remap(host, std3_rules=False, transitional=False).rstrip(".")
        name = name if name.isascii() else idna.encode(name).decode()
    except UnicodeError as error:
        raise ValueError(f"{host!r} is not a host name: {error}") from error
    if not _HOST.fullmatch(name):
        raise ValueError(f"{host!r} is not a host name")
    return _as_ipv4(name) if _looks_numeric(name) else name


def normal_escapes(octets: bytes, escape_or_other: re.Pattern[bytes]) -> str:
    """Percent-encode what must be, decode what need not be, and leave other escapes as they are.

    Args:
        octets: of a part of a URL.
        escape_or_other: finds the two digits of an escape as its first group, and an octet that
            has to become one as its second.
    """
    return escape_or_other.sub(_normal_escape, octets).decode("ascii")


def origin(url: str) -> str:
    """Scheme, host and port of a canonical URL: what a robots.txt applies to."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _split(url: str) -> SplitResult:
    if len(url) > MAX_URL_CHARS:
        raise ValueError(f"URL of {len(url)} characters, limit {MAX_URL_CHARS}")
    head, mark, query = url.strip(_BLANKS).partition("?")
    parts = urlsplit(head.replace("\\", "/") + mark + query)  # as browsers read it
    if parts.scheme not in SCHEMES:
        raise ValueError(f"scheme {parts.scheme!r} is not http or https")
    if "@" in parts.netloc:
        raise ValueError("URL with a user name or password")
    if not parts.hostname:
        raise ValueError("URL without a host")
    if parts.port == 0:
        raise ValueError("port 0 cannot be connected to")
    return parts


def _looks_numeric(name: str) -> bool:
    """Whether resolvers would read the name as an IPv4 address. Source: WHATWG URL, 3.5."""
    last = name.rsplit(".", 1)[-1]
    return last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last) is not None


def _as_ipv4(name: str) -> str:
    try:
        return socket.inet_ntoa(socket.inet_aton(name))  # knows the octal, hex and short forms
    except OSError as error:
        raise ValueError(f"{name!r} is not an IPv4 address") from error


def _normal_escape(match: re.Match[bytes]) -> bytes:
    byte = int(match[1], 16) if match[1] else match[2][0]
    return bytes([byte]) if byte in _UNRESERVED else b"%%%02X" % byte


def _remove_dot_segments(path: str) -> str:
    """Resolve `.` and `..`. Source: RFC 3986, section 5.2.4."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)
