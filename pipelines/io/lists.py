"""Lists for people: text files with an entry a line, in which `#` begins a comment."""

import re
from collections.abc import Iterator

from pipelines.io.hashes import KINDS, NUM_DIGITS, is_hash
from pipelines.web.urls import canonical_host, canonical_url

_COMMENT = re.compile(r"(?:^|\s)#.*")


def lines_in(content: bytes) -> Iterator[tuple[int, str]]:
    """The lines that are neither blank nor comments, with their numbers from 1."""
    for number, line in enumerate(content.splitlines(), 1):
        if entry := _COMMENT.sub("", line.decode("utf-8", "replace").lstrip("\ufeff")).strip():
            yield number, entry


def host_of_line(line: str) -> str:
    """The host of a line, which may be written `*.example.com`, in canonical form.

    Raises:
        ValueError: it is none; says why.
    """
    if "/" in line or line.count(":") == 1:
        raise ValueError("a host alone is expected, such as example.com")
    return canonical_host(line.removeprefix("*").removeprefix(".").strip("[]"))


def url_of_line(line: str) -> str:
    """The URL of a line in canonical form, without its scheme: http and https are one place.

    Raises:
        ValueError: it is none; says why.
    """
    return bare(canonical_url(line))


def hash_of_line(line: str) -> str:
    """The hash of a line as `md5:…`, `sha256:…` or `phash:…`, which its length tells.

    Raises:
        ValueError: it is none; says what is expected.
    """
    kind, _, digits = line.lower().rpartition(":")
    if kind == "pdq":
        raise ValueError("PDQ is not supported; list the `phash` of the image, or its sha256")
    for known in KINDS:
        if is_hash(digits, known) and kind in {known, ""}:
            return f"{known}:{digits}"
    lengths = ", ".join(f"{known} ({NUM_DIGITS[known]})" for known in KINDS)
    raise ValueError(f"hexadecimal digits are expected, of {lengths}")


def bare(url: str) -> str:
    """A canonical URL without its scheme."""
    return url.partition("://")[2]
