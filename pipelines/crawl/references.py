"""Resolves the references of a page to canonical URLs, with a fast path for plain ones."""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urljoin

from pipelines.web.urls import MAX_URL_CHARS, PLAIN_TAIL, canonical_url, plain_url

# Where to start from, then a path with nothing in it that a base could change, perhaps a query.
_PLAIN_PATH = re.compile(rf"(/|(?:\.\.?/){{0,8}})(?![/?.])({PLAIN_TAIL})")


_IN_HOST = len("http://x")


class _Prefix(NamedTuple):
    """What a base puts before plain paths: as it is joined, in canonical spelling, and its length.

    Args:
        joined: as urllib joins it.
        canonical: in canonical spelling.
        longest: characters of the longer one.
    """

    joined: str
    canonical: str
    longest: int


def is_inline(reference: str) -> bool:
    """Whether a reference is a `data:` URL, which holds what it refers to."""
    return reference.lstrip()[:5].lower() == "data:"


def resolve(reference: str, base_url: str, page_url: str) -> str:
    """The canonical URL of a reference.

    Args:
        reference: as written; surrounding whitespace is ignored.
        base_url: what it is relative to; empty where nothing is known.
        page_url: of the page that it is on.

    Raises:
        ValueError: it is empty, refers to the page itself, or is not a URL of the web.
    """
    reference = reference.strip()
    if not reference:
        raise ValueError("no URL")
    joined, canonical = _fast_path(reference, base_url) or (urljoin(base_url, reference), "")
    if joined.partition("#")[0] in (base_url, page_url):
        raise ValueError("URL of the page itself")  # as `src="#"` and `src="http://"` give it
    return canonical or canonical_url(joined)


def _fast_path(reference: str, base_url: str) -> tuple[str, str] | None:
    """The joined and the canonical URL of a plain reference; None for any other."""
    if reference.startswith("//") and (prefix := _prefix(base_url, "/")):
        reference = prefix.joined.partition("//")[0] + reference
    if reference.startswith("http") and (canonical := plain_url(reference)) is not None:
        return reference, canonical
    path = _PLAIN_PATH.fullmatch(reference)
    if path is None or not path[2] or "/." in path[2] or "//" in path[2]:
        return None
    prefix = _prefix(base_url, path[1])
    if prefix is None or len(reference) + prefix.longest > MAX_URL_CHARS:
        return None
    return prefix.joined + path[2], prefix.canonical + path[2]


@lru_cache(maxsize=256)  # pages come one after the other, each with one base
def _prefix(base_url: str, start: str) -> _Prefix | None:
    """What a base puts before a path that begins with `start`; None where it is not a base."""
    canonical = plain_url(base_url)
    if canonical is not None and "//" not in base_url[_IN_HOST:].partition("?")[0]:
        root = _root(base_url)
        folder = "" if start == "/" else _folder(base_url[len(root) :], start.count(".."))
        return _prefix_of(root + folder, _root(canonical) + folder)
    try:
        joined = urljoin(base_url, f"{start}x")
        return _prefix_of(joined[:-1], canonical_url(joined)[:-1])
    except ValueError:
        return None


def _prefix_of(joined: str, canonical: str) -> _Prefix:
    return _Prefix(joined, canonical, max(len(joined), len(canonical)))


def _root(url: str) -> str:
    return url[: url.index("/", _IN_HOST) + 1]


def _folder(path: str, num_up: int) -> str:
    """The folder of a plain path, some levels up, which ends at the root as in urllib."""
    folders = path.partition("?")[0].split("/")[:-1]
    return "".join(f"{name}/" for name in folders[: max(0, len(folders) - num_up)])
