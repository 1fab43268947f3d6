"""Seeded pages and metadata made to break readers."""

import gzip
import json
import random
from collections.abc import Callable
from typing import Any

from tests.support.archives import wat_record, wat_record_of

MARKER = b'<img src="/marker.jpg" alt="a marker">'  # comes first, so that no page is without a row

Chance = random.Random


def hostile_page(chance: Chance) -> bytes:
    """A page that begins with `MARKER`, then one to three kinds of trouble, cut anywhere."""
    kinds = chance.choices(KINDS, k=chance.choice([1, 1, 1, 2, 3]))
    page = MARKER + b"".join(kind(chance) for kind in kinds)
    return page[: chance.randrange(len(MARKER), len(page) + 1)] if chance.random() < 0.3 else page


def _nested(chance: Chance) -> bytes:
    tags = ("div", "b a={}", "table", "figure", "svg", "select", "a href={}", "font size={}", "p")
    names = chance.choices((*tags, "template", "math", "form", "frameset", "noscript"), k=2)
    count = chance.choice([10, 100, 300, 2000])
    return "".join(f"<{names[n % 2]}>".replace("{}", str(n)) for n in range(count)).encode()


def _in_figures(chance: Chance) -> bytes:
    return b"<figure><img><picture><source srcset=a>" * chance.randrange(60) + b"<figcaption>x"


def _picture_of_many(chance: Chance) -> bytes:
    return b"<picture>" + b"<source srcset='a 1x'><img>" * chance.randrange(60)


def _wrong_charset(chance: Chance) -> bytes:
    label = chance.choice(["utf-16", "utf-7", "x-user-defined", "\0", "iso-2022-jp", "9" * 900])
    codec = chance.choice(["shift_jis", "gb18030", "utf-16-le", "utf-32", "koi8-r", "utf-8"])
    text = f"<meta charset='{label}'><img src=a alt='Кот 猫'>" * 3
    return text.encode(codec, "replace")


def _nuls(chance: Chance) -> bytes:
    text = b"<img src='a\0.jpg' alt='\0x\0'><\0img><img\0 src=b>\0</\0p>"
    return b"\0".join([text] * chance.randrange(1, 20))


def _long_line(chance: Chance) -> bytes:
    return b"<img alt='" + b"x" * chance.choice([10, 1000, 50_000]) + b"'" + b" " * 9999 + b">"


def _entities(chance: Chance) -> bytes:
    names = ["&amp;", "&#x10FFFF;", "&#0;", "&#xD800;", "&lt", "&notanentity;", "&#9999999999;"]
    names += ["&CounterClockwiseContourIntegral;", "&&&&", "&#x", "&lol9;"]
    declared = "".join(f'<!ENTITY lol{n} "{f"&lol{n - 1};" * 10}">' for n in range(1, 10))
    bomb = "".join(chance.choices(names, k=chance.randrange(500)))
    return f"<!DOCTYPE lolz [{declared}]><img alt='{bomb}' title={bomb}>{bomb}".encode()


def _attributes(chance: Chance) -> bytes:
    names = " ".join(f"a{n}=1" for n in range(chance.choice([10, 10, 200, 2000])))
    return f"<img {names} {'src=a ' * 100} alt=x><img {'=' * 500} {'/' * 500}>".encode()


def _srcsets(chance: Chance) -> bytes:
    parts = ["a.jpg 1x, ", "b,c 2w ", ",", " ", "data:,x 9x,", "9" * 300 + "w ", "d 1.5.5x,", "\t"]
    srcset = "".join(chance.choices(parts, k=chance.randrange(3000)))
    return f"<img srcset='{srcset}' alt=x><img srcset='a {'9' * 5_000}'>".encode()


def _broken_utf16(chance: Chance) -> bytes:
    mark = chance.choice([b"\xff\xfe", b"\xfe\xff"])
    return mark + "<img src=a alt=\ud83d>".encode("utf-16-le", "surrogatepass") * 9 + b"\xd8"


def _addresses(chance: Chance) -> bytes:
    pieces = ["../" * 3000, "http://[", "%" * 500, "\\" * 500, "http://" + "a." * 400, "?" * 99]
    pieces += [
        "javascript:",
        "//",
        "http://1.2.3.4.5:99999/",
        "http://user@x/",
        "ä" * 99,
        "#",
        "\t",
    ]
    urls = ["".join(chance.choices(pieces, k=2)) for _ in range(4)]
    return "".join(f"<base href='{u}'><img src='{u}' alt=x>" for u in urls).encode()


def _metas(chance: Chance) -> bytes:
    og = "<meta property=og:image content=a><meta property=og:image:alt content=b>"
    robots = f"<meta name=robots content='{',' * chance.randrange(9000)}'>"
    tail = f"<html lang='{'x' * 5000}'><a rel='{'license ' * 500}' href='{'y' * 5000}'>"
    return (og * chance.randrange(60) + robots + tail).encode()


def _comments(chance: Chance) -> bytes:
    parts = [b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<script>", b"<title>", b"<style>", b"</"]
    return b"".join(chance.choices(parts, k=chance.randrange(500)))


def _noise(chance: Chance) -> bytes:
    return chance.randbytes(chance.randrange(3000))


def _soup(chance: Chance) -> bytes:
    parts = ["<", ">", "'", '"', "=", "/", " ", "img", "src", "alt", "!", "-", "&", "a", "\0", "é"]
    return "".join(chance.choices([*parts, "<img ", "<figure>"], k=chance.randrange(900))).encode()


KINDS: tuple[Callable[[Chance], bytes], ...] = (
    *(_nested, _in_figures, _picture_of_many, _wrong_charset, _nuls, _long_line, _entities),
    *(_attributes, _srcsets, _broken_utf16, _addresses, _metas, _comments, _noise, _soup),
)


def long_line_page(num_bytes: int) -> bytes:
    """A page of one line."""
    return MARKER + b"<p title='" + b"x" * (num_bytes - len(MARKER) - 12) + b"'>"


def packed_page(num_bytes: int) -> bytes:
    """The body of a response with `Content-Encoding: gzip` that inflates to many blanks."""
    return gzip.compress(MARKER + b" " * num_bytes, mtime=0)


LINK = {"path": "IMG@/src", "url": "/marker.jpg", "alt": "a marker"}


def hostile_wat_record(chance: Chance, url: str) -> bytes:
    """A record of a WAT file, damaged in its JSON, in its types or in its values."""
    values: list[Any] = [None, 5, -1e308, "", "\0", "x" * 9999, [], {}, [[]], True, [LINK] * 50]
    html: dict[str, Any] = {
        "Head": {"Base": "/b/", "Metas": [{"name": "robots", "content": "x"}]},
        "Links": [LINK],
    }
    match chance.randrange(6):
        case 0:
            html[chance.choice(["Head", "Links", "Text"])] = chance.choice(values)
        case 1:
            html["Links"] = [{**LINK, chance.choice([*LINK, "rel"]): chance.choice(values)}]
        case 2:
            head = chance.choice(["Base", "Metas", "Link", "Title"])
            html["Head"] = {head: chance.choice(values)}
        case 3:
            depth = chance.choice([10, 5000, 50_000])
            nested = chance.choice([b"[", b'{"a":']) * depth
            return wat_record_of(url, b'{"Envelope":{"Payload-Metadata":{"x":' + nested)
        case 4:
            content = bytearray(json.dumps({"Envelope": {"Payload-Metadata": html}}).encode())
            for _ in range(chance.randrange(1, 5)):
                content[chance.randrange(len(content))] = chance.randrange(256)
            return wat_record_of(url, bytes(content[: chance.randrange(len(content) + 1)]))
        case _:
            html["Links"] = chance.choices([LINK, {"path": "LI@/x"}, 5, {}], k=chance.randrange(9))
    return wat_record(url, html, status=chance.choice(["200", "200", "200", "404"]))
