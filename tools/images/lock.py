"""Files of pinned requirements, as `make lock` writes them; read with nothing but Python.

An image is built before anything is installed, so this module may import no package.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[^\s;]+)(?: ; (?P<marker>.+))?$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})$")
_VIA = re.compile(r"#\s+(?:via\s+)?(\S+)$")


class LockError(ValueError):
    """A line is not one that `make lock` writes."""


@dataclass(frozen=True)
class Pin:
    """One pinned package.

    Args:
        name: as the registry spells it in its addresses.
        version: exactly.
        marker: of the machines on which it is installed; empty for all.
        hashes: SHA-256 of each file that may be installed.
        via: who asks for it.
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    via: tuple[str, ...]

    def __str__(self) -> str:
        marker = f" ; {self.marker}" if self.marker else ""
        hashes = "".join(f" \\\n    --hash=sha256:{value}" for value in self.hashes)
        return f"{self.name}=={self.version}{marker}{hashes}"


def read_pins(text: str) -> list[Pin]:
    """The packages of a file of requirements, in its order.

    Raises:
        LockError: a line is no pin, no hash and no comment.
    """
    return [_pin(lines) for lines in _entries(text)]


def _entries(text: str) -> Iterator[list[str]]:
    """The lines of each package: its pin, and what is indented below it."""
    entry: list[str] = []
    for line in text.splitlines():
        if not line.startswith((" ", "#")) and line:
            if entry:
                yield entry
            entry = []
        if line and (entry or not line.startswith("#")):
            entry.append(line.strip().removesuffix("\\").strip())
    if entry:
        yield entry


def _pin(lines: list[str]) -> Pin:
    head, *rest = lines
    found = _PIN.match(head)
    if not found:
        raise LockError(f"{head!r}: not NAME==VERSION; run `make lock`")
    hashes = [match[1] for line in rest if (match := _HASH.match(line))]
    comments = [line for line in rest if line.startswith("#")]
    if len(hashes) + len(comments) < len(rest):
        raise LockError(f"{head!r}: a line below it is neither a SHA-256 nor a comment")
    via = [match[1] for line in comments if (match := _VIA.match(line)) and match[1] != "via"]
    return Pin(found["name"], found["version"], found["marker"] or "", tuple(hashes), tuple(via))
