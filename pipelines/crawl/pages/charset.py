"""The character encoding of a page, by the precedence and the labels that browsers use."""

import codecs
import re

from pipelines.crawl.text_encoding import BYTE_ORDER_MARKS, FALLBACK, UTF8, is_utf8

PRESCAN_BYTES = 1024  # Source: WHATWG HTML, section 13.2.3.2: how far a <meta> is looked for

_META = re.compile(rb"<meta[^>]*?\bcharset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.+-]+)", re.IGNORECASE)

# What browsers use for the encoding that a page declares. Source: WHATWG Encoding, section 4.2.
_WIDENED = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "utf-8-sig": "utf-8",
    "utf-16": "utf-16-le",
    "iso-8859-8-i": "iso8859-8",
    "unicode-1-1-utf-8": "utf-8",
    "windows-31j": "cp932",
    "windows-874": "cp874",
    "x-gbk": "gb18030",
    "x-mac-cyrillic": "mac-cyrillic",
    "x-sjis": "cp932",
}
_KNOWN = {
    *_WIDENED.values(),
    *(f"cp{number}" for number in (866, *range(1250, 1259))),
    *(f"iso8859-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
    *("koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "euc_jp", "iso2022_jp", "utf-16-be"),
}


def decode(html: bytes, declared: str | None) -> str | bytes:
    """Text of a page, or its bytes where they are UTF-8 already.

    A byte order mark wins, then the HTTP header, then `<meta>`, then UTF-8 if the bytes are
    valid, then windows-1252. Invalid bytes become U+FFFD; this never raises.

    Args:
        html: the page.
        declared: charset of the HTTP header.
    """
    for mark, name in BYTE_ORDER_MARKS:
        if html.startswith(mark):
            rest = html[len(mark) :]
            return rest if name == "utf-8" else rest.decode(name, "replace")
    codec = known_codec(declared or "") or _from_meta(html) or (UTF8 if is_utf8(html) else FALLBACK)
    if codec == "utf-8":
        return html
    return html.decode(codec, "c1_controls" if codec == "cp1252" else "replace")


def known_codec(label: str) -> str | None:
    """Python's name for an encoding that browsers know; None for any other label."""
    name = label.strip().lower()
    if name not in _WIDENED:
        try:
            name = codecs.lookup(name).name
        except (LookupError, ValueError):  # ValueError: a NUL in the label
            return None
    name = _WIDENED.get(name, name)
    return name if name in _KNOWN else None


def _from_meta(html: bytes) -> str | None:
    match = _META.search(html, 0, PRESCAN_BYTES)
    codec = known_codec(match[1].decode("ascii")) if match else None
    # A page whose <meta> could be read as ASCII is not UTF-16. Source: as PRESCAN_BYTES.
    return "utf-8" if codec in {"utf-16-le", "utf-16-be"} else codec


def _c1_controls(error: UnicodeError) -> tuple[str, int]:
    """Bytes that windows-1252 leaves undefined. Source: WHATWG Encoding, index-windows-1252."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(map(chr, error.object[error.start : error.end])), error.end


codecs.register_error("c1_controls", _c1_controls)
