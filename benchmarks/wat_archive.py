"""WAT files as Common Crawl makes them: the metadata of each page's records, as JSON in a WARC.

The pages are those of the demo's archive, repeated, among links and words like those of an ordinary
site, since the demo's own pages have few. Source: commoncrawl/ia-web-commons,
`ExtractingParseObserver` and `HTMLMetaData`, for the fields; a record of CC-MAIN-2019-22 for their
order and sizes.
"""

import gzip
import json
import random
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from benchmarks.material import pages
from pipelines.crawl.pages.charset import decode
from pipelines.crawl.pages.page import Page

Json = dict[str, Any]

MAX_LINKS = 400  # chosen: of a synthetic site; some 6 KB compressed for a page
MAX_IMAGES = 6  # of the demo's page; with the others, texts of 9 images on a page
WORDS = ("summer", "market", "river", "old", "blue", "photo", "of", "the", "in", "red", "house")
TEXT_WORDS = (*WORDS, "garden", "print", "sale", "café", "über", "картина")


def wat_bytes(num_pages: int) -> bytes:
    """A `.warc.wat.gz` of three records for each page: its request, its response, its metadata."""
    generator = random.Random(num_pages)
    documents = [(page, _links(page), _metas(page)) for page in pages()]
    parts = [_gzipped("", _envelope("", "warcinfo", {"WARC-Info-Metadata": {"operator": "CC"}}))]
    for number in range(num_pages):
        page, links, metas = documents[number % len(documents)]
        url = f"{page.url}?copy={number}"
        parts += [
            _gzipped(url, _envelope(url, "request", _request(url))),
            _gzipped(url, _envelope(url, "response", _response(links, metas, generator))),
            _gzipped(url, _envelope(url, "metadata", {"WARC-Metadata-Metadata": _facts()})),
        ]
    return b"".join(parts)


def _gzipped(url: str, content: Json) -> bytes:
    block = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    head = (
        "WARC/1.0\r\nWARC-Type: metadata\r\n"
        f"WARC-Target-URI: {url}\r\n"
        "WARC-Date: 2026-01-01T00:00:00Z\r\n"
        "WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-000000000001>\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + block + b"\r\n\r\n", compresslevel=6, mtime=0)


def _envelope(url: str, kind: str, payload: Json) -> Json:
    return {
        "Container": {
            "Filename": "CC-MAIN-00000.warc.gz",
            "Compressed": True,
            "Offset": "949",
            "Gzip-Metadata": {"Inflated-Length": "25358", "Footer-Length": "8"},
        },
        "Envelope": {
            "Format": "WARC",
            "WARC-Header-Length": "647",
            "WARC-Header-Metadata": {
                "WARC-Type": kind,
                "WARC-Target-URI": url,
                "WARC-Date": "2026-01-01T00:00:00Z",
                "WARC-Payload-Digest": "sha1:CYIY4H7KRQJBLBBRZLT4NSUPM4NG27KO",
                "Content-Type": f"application/http; msgtype={kind}",
            },
            "Payload-Metadata": payload,
        },
    }


def _request(url: str) -> Json:
    headers = {"User-Agent": "CCBot/2.0 (https://commoncrawl.org/faq/)", "Accept": "text/html"}
    message = {"Path": url, "Version": "HTTP/1.1", "Method": "GET"}
    return {"HTTP-Request-Metadata": {"Headers": headers, "Request-Message": message}}


def _facts() -> Json:
    records = [
        {"Name": "fetchTimeMs", "Value": "381"},
        {"Name": "charset-detected", "Value": "UTF-8"},
    ]
    return {"Metadata-Records": records}


def _response(links: list[Json], metas: list[Json], generator: random.Random) -> Json:
    around = [_link(generator) for _ in range(generator.randrange(MAX_LINKS))]
    head = {
        "Metas": [{"name": "viewport", "content": "width=device-width"}, *metas],
        "Title": _text(generator, 6),
        "Link": [
            {"path": "LINK@/href", "rel": "stylesheet", "type": "text/css", "url": "/style.css"},
            {"path": "LINK@/href", "rel": "canonical", "url": "https://shop.example/"},
        ],
        "Scripts": [{"path": "SCRIPT@/src", "url": "https://cdn.example/jquery.min.js"}],
    }
    return {
        "HTTP-Response-Metadata": {
            "Headers": {"Content-Type": "text/html", "Server": "nginx", "Set-Cookie": ["a", "b"]},
            "Response-Message": {"Status": "200", "Version": "HTTP/1.1", "Reason": "OK"},
            "HTML-Metadata": {"Head": head, "Links": around + links},
        }
    }


def _link(generator: random.Random) -> Json:
    """Mostly anchors; an image in twenty, of which less than half have a text."""
    slug = "-".join(generator.choices(WORDS, k=generator.randint(2, 6)))
    path = f"/{generator.choice(WORDS)}/{generator.randrange(10**6)}/{slug}"
    start = generator.choice(["", "", "https://shop.example", "//cdn.example"])
    kind = generator.random()
    if kind < 0.02:
        return {"path": "IMG@/src", "url": f"{start}{path}.jpg", "alt": _text(generator, 8)}
    if kind < 0.05:
        return {"path": "IMG@/src", "url": f"{start}{path}.png"}
    if kind < 0.07:
        return {"path": "STYLE/#text", "href": f"{start}{path}.woff2"}
    if kind < 0.08:
        return {"path": "FORM@/action", "url": path, "method": "post"}
    return {"path": "A@/href", "url": f"{start}{path}", "text": _text(generator, 5)}


def _text(generator: random.Random, max_words: int) -> str:
    return " ".join(generator.choices(TEXT_WORDS, k=generator.randint(1, max_words)))


def _links(page: Page) -> list[Json]:
    names = {"src": "url", "alt": "alt", "title": "title"}
    return [
        {"path": "IMG@/src", **_taken(node.attributes, names)}
        for node in _parsed(page).css("img[src]")[:MAX_IMAGES]
    ]


def _metas(page: Page) -> list[Json]:
    names = {name: name for name in ("name", "property", "http-equiv", "content")}
    metas = (_taken(node.attributes, names) for node in _parsed(page).css("meta"))
    return [found for found in metas if found]


def _taken(attributes: dict[str, str | None], names: dict[str, str]) -> Json:
    return {new: attributes[old] for old, new in names.items() if attributes.get(old)}


def _parsed(page: Page) -> LexborHTMLParser:
    return LexborHTMLParser(decode(page.html, page.charset))
