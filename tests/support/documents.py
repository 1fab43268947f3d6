"""The repository's documents, taken apart: snippets, tables, links, names in backticks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = (
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "infra").rglob("*.md")),
)
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Snippet:
    """A fenced block: its document, its first line there, its language, its text."""

    path: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}"


def snippets(*languages: str, path: Path | None = None) -> list[Snippet]:
    """The fenced blocks in these languages, of one document or of all."""
    return [
        Snippet(document, text[: found.start()].count("\n") + 2, found[1], found[2])
        for document in ([path] if path else DOCUMENTS)
        for text in [document.read_text()]
        for found in _FENCE.finditer(text)
        if not languages or found[1] in languages
    ]


def readmes_config() -> str:
    """The first config that the README shows."""
    return snippets("yaml", path=ROOT / "README.md")[0].text


def prose(path: Path) -> str:
    """A document without its fenced blocks."""
    return _FENCE.sub("", path.read_text())


def links(path: Path) -> list[str]:
    """The targets of all links of a document."""
    return _LINK.findall(prose(path))


def anchors(path: Path) -> set[str]:
    """What links may name behind a `#`, as GitHub makes it of the headings."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


def code_spans(path: Path) -> list[str]:
    """All that stands in backticks outside of fenced blocks."""
    return _CODE.findall(prose(path))


def section(path: Path, heading: str) -> str:
    """What stands below a heading, up to the next one of the same level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    _, found, rest = path.read_text().partition(f"{heading}\n")
    assert found, f"{path.name} has no heading {heading!r}"
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def table_rows(text: str) -> Iterator[list[str]]:
    """The cells of all rows of the tables in a text, without head and rule."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("|") and not re.match(r"\|[ :-]+\|", line):
            is_head = number + 1 < len(lines) and re.match(r"\|[ :|-]+\|$", lines[number + 1])
            if not is_head:
                cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
                yield [cell.strip() for cell in cells]


def first_codes(text: str) -> list[str]:
    """What stands in backticks in the first cell of each row of the tables in a text."""
    return [name for row in table_rows(text) for name in _CODE.findall(row[0])]
