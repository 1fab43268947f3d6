"""What was removed from a run, and is refused from then on: SHA-256 digests, never the values.

A list of what must be nowhere should not be where it is found. So it holds of each URL, host, key
or hash the digest alone, which is enough to know the value again when it comes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Literal
from urllib.parse import urlsplit

import pyarrow as pa

from dalle_model import files
from dalle_model.shards import image_of
from pipelines.io.hashes import EXACT, exact_hash, hashes_in, is_hash
from pipelines.io.keys import image_part
from pipelines.io.layout import RunFolder
from pipelines.io.lists import bare, lines_in, url_of_line
from pipelines.io.task import StageTask
from pipelines.rejection import Rejection

REMOVED = "removed"  # the reason of a row of which nothing else is kept
_HEAD = "# SHA-256 of what was removed from a run, and is refused: see docs/takedown.md"
_MAX_KNOWN = 1 << 20  # values whose answer is held; chosen: some 200 MB

Kind = Literal["url", "host", "key", "image", "md5", "sha256"]


def digest(kind: Kind, value: str) -> str:
    """The digest by which a list holds a value.

    Args:
        kind: `url`: canonical, without its scheme; `host`: canonical, for all hosts below it too;
            `key`: of a pair, 40 hex digits; `image`: the first 24 of them; `md5`, `sha256`: of the
            bytes of an image.
        value: of that kind.
    """
    return sha256(f"{kind} {value}".encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Refusals:
    """What is refused.

    Args:
        digests: of values, as `digest` makes them.
    """

    digests: frozenset[str] = frozenset()
    _known: dict[str, bool] = field(default_factory=dict, compare=False, repr=False)

    def __bool__(self) -> bool:
        return bool(self.digests)

    def __or__(self, other: "Refusals") -> "Refusals":
        return Refusals(self.digests | other.digests)

    def has(self, kind: Kind, value: str) -> bool:
        """Whether a value is listed, which is in its canonical form."""
        return self._remembered(f"{kind} {value}", lambda: digest(kind, value) in self.digests)

    def has_key(self, key: str) -> bool:
        """Whether a pair is listed, or its image."""
        return self.has("key", key) or self.has("image", image_of(key))

    def has_url(self, url: str) -> bool:
        """Whether a URL is listed with either scheme, or its host, or a domain that it is in."""
        return self._remembered(f"at {url}", lambda: self._has_url(url))

    def has_bytes(self, encoded: bytes) -> bool:
        """Whether an image is listed by a hash of its bytes."""
        return any(self.has(kind, exact_hash(encoded, kind)) for kind in EXACT)

    def _remembered(self, name: str, find: Callable[[], bool]) -> bool:
        """An answer that is found once, since every stage has the same rows."""
        known = self._known.get(name)
        if known is None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            known = self._known[name] = find()
        return known

    def _has_url(self, url: str) -> bool:
        bare = without_scheme(url)
        try:
            host = urlsplit(f"//{bare}").hostname or ""
        except ValueError:  # a text that a rejection quotes as it was found
            host = ""
        return self.has("url", bare) or any(self.has("host", name) for name in _domains(host))


@dataclass(frozen=True)
class Named:
    """Rows by what names them.

    Args:
        keys: of single pairs.
        images: parts of keys, of all pairs with an image.
    """

    keys: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()

    def __or__(self, other: "Named") -> "Named":
        return Named(self.keys | other.keys, self.images | other.images)

    def __bool__(self) -> bool:
        return bool(self.keys or self.images)

    def has(self, key: str) -> bool:
        """Whether the row of a key is among them."""
        return key in self.keys or image_of(key) in self.images

    def mask(self, keys: pa.ChunkedArray) -> pa.ChunkedArray:
        """Which of some keys are among them: bool, of the same length."""
        return pa.chunked_array([pa.array(map(self.has, keys.to_pylist()), pa.bool_())])


def named_in(table: pa.Table, refusals: Refusals) -> Named:
    """The rows of a table that are refused, by the columns it has of those that say so.

    A URL of an image names all pairs with it, a page only those that were found there; the `detail`
    of a rejection may be that page.

    Args:
        table: with `key`, and any of `url`, `page_url`, `detail`, `sha256`, `declared_hash`.
        refusals: what is refused.
    """
    keys, images = set[str](), set[str]()
    columns = {name: table[name].to_pylist() for name in table.column_names}
    for number, key in enumerate(columns["key"]):
        row = {name: column[number] or "" for name, column in columns.items()}
        image = image_of(key)
        if refusals.has("image", image) or _has_hash(row, refusals):
            images.add(image)
        elif refusals.has_url(url := row.get("url", "")):
            images.add(image) if image == image_part(url.encode()) else keys.add(key)
        elif refusals.has("key", key) or _is_on_page(row, refusals):
            keys.add(key)
    return Named(frozenset(keys), frozenset(images))


def images_with_hashes(table: pa.Table, refusals: Refusals) -> set[str]:
    """The images, by their part of a key, whose bytes have a hash that is refused.

    Args:
        table: with `key`, and any of `sha256` and `declared_hash`.
        refusals: what is refused.
    """
    hashes = [name for name in ("sha256", "declared_hash") if name in table.column_names]
    columns = [table[name].to_pylist() for name in ("key", *hashes)]
    return {
        image_of(key)
        for key, *values in zip(*columns, strict=True)
        if any(values) and _has_hash(dict(zip(hashes, values, strict=True)), refusals)
    }


def removed_rows(count: int, stage: str) -> list[Rejection]:
    """What is left of rows that were removed: that there were so many."""
    return [Rejection("", "", "", stage, REMOVED)] * count


@lru_cache(maxsize=4)
def refusals_in(content: bytes) -> Refusals:
    """The digests in the content of a list.

    Raises:
        ValueError: a line is no digest; gives its number.
    """
    found = set()
    for number, line in lines_in(content):
        if not is_hash(line, "sha256"):
            raise ValueError(f"line {number} is no SHA-256 in hexadecimal digits: {line[:100]!r}")
        found.add(line)
    return Refusals(frozenset(found))


def read_refusals(url: str) -> Refusals:
    """The digests in a list.

    Raises:
        FileNotFoundError: there is none.
        ValueError: as `refusals_in`.
    """
    return refusals_in(files.read_bytes(url))


def own_refusals(task: StageTask) -> Refusals:
    """What was removed from the run of a task; nothing where it has no such list."""
    return refusals_of(RunFolder(task.root))


def refusals_of(run: RunFolder) -> Refusals:
    """The same of a run directory."""
    try:
        return read_refusals(run.refusals)
    except (FileNotFoundError, NotADirectoryError):
        return Refusals()


def write_refusals(run: RunFolder, refusals: Refusals) -> None:
    """Write the list of a run."""
    lines = [_HEAD, *sorted(refusals.digests)]
    files.write_bytes(run.refusals, "".join(f"{line}\n" for line in lines).encode())


def without_scheme(url: str) -> str:
    """A URL in canonical form, as far as it has one, without its scheme: http and https are one."""
    try:
        return url_of_line(url)
    except ValueError:
        return bare(url) or url


@lru_cache(maxsize=65536)
def _domains(host: str) -> tuple[str, ...]:
    """A host and the domains that it is in."""
    labels = host.split(".")
    return tuple(".".join(labels[start:]) for start in range(len(labels))) if host else ()


def _has_hash(row: dict[str, str], refusals: Refusals) -> bool:
    if row.get("sha256") and refusals.has("sha256", row["sha256"]):
        return True
    declared = hashes_in(row["declared_hash"]) if row.get("declared_hash") else {}
    return any(refusals.has(kind, declared[kind]) for kind in EXACT if kind in declared)


def _is_on_page(row: dict[str, str], refusals: Refusals) -> bool:
    pages = (row.get("page_url", ""), row.get("detail", ""))
    return any("://" in page and refusals.has_url(page) for page in pages)
