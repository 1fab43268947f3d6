"""Random tables with planted oddities, and what a reader may make of them.

`fault_of(odd_table(seed))` is empty for every seed: each row put in is kept as it was or rejected,
every sound one is kept, and nothing else comes out.
"""

import gzip
import io
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pipelines.crawl.candidates import Found
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.readers.registry import reader_for
from pipelines.crawl.sources import InputFile, Source
from pipelines.crawl.splits import every
from pipelines.crawl.streams import OpenInput

WORDS = ["a", "red", "boat,big", "dog;old|barn", "café", "naïve", "“so”", "two…", "5€", "Ærø", "—"]
CYRILLIC = ["красная", "лодка", "река", "写真", "старый"]
PLAIN = ["boat", "harbour", "dawn", "chair", "table", "field"]
ENDS = ("\n", "\r\n", "\r")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252")


@dataclass(frozen=True)
class Entry:
    """A row that was put in.

    Args:
        url: empty where the row has none.
        caption: line breaks as line feeds.
        is_sound: whether it must be kept; any other row is kept as it is, or rejected.
    """

    url: str
    caption: str
    license: str = ""
    is_sound: bool = True


@dataclass
class OddTable:
    """A table as a file.

    Args:
        name: of the file.
        content: its bytes.
        entries: the rows put in, in order.
        traits: what is odd about it, for a person.
    """

    name: str
    content: bytes = b""
    entries: list[Entry] = field(default_factory=list)
    traits: dict[str, object] = field(default_factory=dict)


def odd_table(seed: int) -> OddTable:
    """The table of a seed."""
    chance = random.Random(f"table {seed}")
    make = chance.choice((_cells_table, _cells_table, _literal_table, _json_table))
    return make(chance)


def fault_of(table: OddTable) -> str:
    """What is wrong with the rows that come out of a table; empty where nothing is."""
    source = Source(path=table.name)
    opened = OpenInput(InputFile(table.name, "table"), io.BytesIO(table.content))
    config = CrawlConfig(sources=(source,))
    rows = list(reader_for(opened).read(opened, source, config, 0, every))
    found = [row for row in rows if isinstance(row, Found)]
    kept = Counter((f.raw_url, _feeds(f.caption), f.license) for f in found)
    entries = [(e.url, e.caption, e.license) for e in table.entries]
    if made_up := kept - Counter(entries):
        return f"rows nobody put in: {list(made_up)[:3]}"
    sound = Counter(entry for entry, e in zip(entries, table.entries, strict=True) if e.is_sound)
    if lost := sound - kept:
        return f"sound rows lost: {list(lost)[:3]} of {lost.total()}"
    if len(rows) != len(entries):
        return f"{len(entries)} rows put in, {len(found)} kept, {len(rows) - len(found)} rejected"
    return ""


def _feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _cells_table(chance: random.Random) -> OddTable:
    """CSV or TSV that quotes as RFC 4180, or as spreadsheets do."""
    mark = chance.choice(",,;\t|")
    end, encoding = chance.choice(ENDS), chance.choice(ENCODINGS)
    quoting = chance.choice(("minimal", "all", "spreadsheet"))
    columns, has_header = _columns(chance)
    is_spaced = mark != "\t" and quoting == "minimal" and chance.random() < 0.15
    entries = _entries(chance, encoding, columns, multiline=True)
    if mark == "\t":  # a table that shows that it quotes
        for number in range(0, len(entries), 3):
            entry = entries[number]
            entries[number] = Entry(entry.url, f'a "quoted{mark}thing"', entry.license)
    quote = _QUOTE[quoting]
    lines = []
    for number, entry in enumerate(entries):
        cells = [quote(_cell(entry, name, number), mark) for name in columns]
        lines.append((mark + " " * is_spaced).join(cells).replace("\n", end))
    num_odd = chance.randrange(0, len(entries) // 5 + 1) if not is_spaced else 0
    for number in chance.sample(range(1, len(entries)), min(num_odd, len(entries) - 1)):
        _spoil(chance, number, entries, lines, columns, mark)
    if has_header:
        header = [quote(name, mark) if quoting == "all" else name for name in columns]
        lines.insert(0, (mark + " " * is_spaced).join(header))
    suffix = chance.choice((".csv", ".tsv"))
    traits = {"mark": mark, "quoting": quoting, "columns": columns, "header": has_header}
    return _file(chance, suffix, lines, end, encoding, entries, traits)


def _literal_table(chance: random.Random) -> OddTable:
    """TSV that quotes nothing, with quotes in its texts."""
    end, encoding = chance.choice(ENDS), chance.choice(ENCODINGS)
    columns, has_header = _columns(chance)
    entries = _entries(chance, encoding, columns, multiline=False)
    quoted = ('"Hello" he said', '"a lone one', 'a 5" disk', '"The Chair"', 'so "it" is')
    for number in chance.sample(range(len(entries)), len(entries) // 3):
        text = chance.choice(quoted)
        entries[number] = Entry(entries[number].url, text, entries[number].license)
    lines = ["\t".join(_cell(e, name, n) for name in columns) for n, e in enumerate(entries)]
    for number in chance.sample(range(1, len(entries)), len(entries) // 6):
        lines[number] = lines[number] + "\tmore" if chance.random() < 0.5 else "few"
        _unsound(entries, number)
    if has_header:
        lines.insert(0, "\t".join(columns))
    suffix = chance.choice((".csv", ".tsv"))
    return _file(chance, suffix, lines, end, encoding, entries, {"columns": columns})


def _json_table(chance: random.Random) -> OddTable:
    """Lines of JSON whose keys change, or come late."""
    encoding = chance.choice(ENCODINGS)
    columns = ["url", "caption", "license"]
    count = chance.choice((chance.randrange(3, 40), chance.randrange(110, 260)))
    entries = _entries(chance, "utf-16", columns, multiline=True, count=count)
    first = chance.randrange(count) if chance.random() < 0.5 else 0  # the license comes this late
    late = chance.choice(("", "", "url", "caption"))
    from_line = chance.randrange(1, count) if late else 0
    lines = []
    for number, entry in enumerate(entries):
        row: dict[str, object] = {"id": number, "url": entry.url, "caption": entry.caption}
        if number < first:
            entries[number] = Entry(entry.url, entry.caption)
        else:
            row["license"] = entry.license
        if late and number < from_line:
            del row[late]
            _unsound(entries, number)
        elif 0 < number < count - 1 and chance.random() < 0.1:
            chance.choice(_JSON_ODDITIES)(row)
            _unsound(entries, number)
        is_ascii = "\ud83d" in str(row.get("caption", "")) or chance.random() < 0.5
        text = json.dumps(row, ensure_ascii=is_ascii or encoding == "cp1252")
        lines.append(text if "cut" not in row else text[:-9])
    traits: dict[str, object] = {"license from": first, late: from_line}
    return _file(chance, ".jsonl", lines, "\n", encoding, entries, traits)


_JSON_ODDITIES: tuple[Callable[[dict[str, object]], object], ...] = (
    lambda row: row.pop("url"),
    lambda row: row.pop("caption"),
    lambda row: row.update(caption={"en": "a boat"}),
    lambda row: row.update(caption="half \ud83d"),
    lambda row: row.update(cut=1),
    lambda row: row.update(URL=row["url"]),
)


def _columns(chance: random.Random) -> tuple[list[str], bool]:
    """The names of the columns in order, and whether they are written."""
    columns = ["url", "caption"]
    has_header = chance.random() < 0.7
    if has_header:
        columns += chance.sample(["license", "id", "width"], chance.randrange(3))
    chance.shuffle(columns)
    return columns, has_header


def _entries(
    chance: random.Random, encoding: str, columns: list[str], multiline: bool, count: int = 0
) -> list[Entry]:
    words = [*WORDS, *(CYRILLIC if encoding.startswith("utf") else ())]
    count = count or chance.choice((chance.randrange(4, 30), chance.randrange(100, 300)))
    return [
        Entry(
            f"https://site.test/{number}{chance.choice(('', '?crop=1', '/a-b_c'))}.jpg",
            _caption(chance, words, multiline),
            f"CC-{number}" if "license" in columns else "",
        )
        for number in range(count)
    ]


def _caption(chance: random.Random, words: list[str], multiline: bool) -> str:
    text = " ".join(chance.choice([*words, *PLAIN]) for _ in range(chance.randrange(2, 12)))
    if multiline and chance.random() < 0.1:
        text += "\n" * chance.randrange(1, 3) + chance.choice(
            ["more, of it", "the end", '12" wide']
        )
    if multiline and chance.random() < 0.1:
        text = f'"{text}" or "so"'
    return text


def _cell(entry: Entry, name: str, number: int) -> str:
    values = {"url": entry.url, "caption": entry.caption, "license": entry.license}
    return values.get(name, str(number))


def _minimal(cell: str, mark: str) -> str:
    return _all(cell, mark) if any(c in cell for c in (mark, '"', "\n")) else cell


def _spreadsheet(cell: str, mark: str) -> str:
    return _all(cell, mark) if any(c in cell for c in (mark, '"', "\n", ",")) else cell


def _all(cell: str, mark: str) -> str:
    del mark
    return '"' + cell.replace('"', '""') + '"'


_QUOTE = {"minimal": _minimal, "all": _all, "spreadsheet": _spreadsheet}


def _spoil(
    chance: random.Random,
    number: int,
    entries: list[Entry],
    lines: list[str],
    columns: list[str],
    mark: str,
) -> None:
    """Make a row of a table odd: its width, its quotes or its bytes."""
    plain = [entries[number].url if c == "url" else f"plain {number}" for c in columns]
    at = columns.index("caption")
    _unsound(entries, number)
    match chance.randrange(8):
        case 0:
            plain.append("more")
        case 1:
            plain = ["few"]
        case 2:
            plain[at] = f'"open {number}'
        case 3:
            plain[at] = f'"open{mark} {number}'
        case 4:
            plain[at] = '"Hello" he said'
        case 5:
            plain[at] = f'a wheel of {number}"'
            entries[number] = Entry(entries[number].url, plain[at], _license(plain, columns), False)
        case 6 if columns[-1] not in {"url", "caption"}:
            plain.pop()
            license = _license([*plain, ""], columns)
            entries[number] = Entry(entries[number].url, plain[at], license)
        case _:
            plain[at] = _BAD
    lines[number] = mark.join(plain)


def _license(cells: list[str], columns: list[str]) -> str:
    return cells[columns.index("license")] if "license" in columns else ""


_BAD = "\ue000"  # stands for bytes that are no text


def _unsound(entries: list[Entry], number: int) -> None:
    entry = entries[number]
    entries[number] = Entry(entry.url, entry.caption, entry.license, is_sound=False)


def _file(
    chance: random.Random,
    suffix: str,
    lines: list[str],
    end: str,
    encoding: str,
    entries: list[Entry],
    traits: dict[str, object],
) -> OddTable:
    if encoding == "cp1252" and not any(c in "".join(lines) for c in "éï€Æ“"):
        encoding = "utf-8"
    with_blanks = list(_with_blanks(chance, lines))
    text = end.join(with_blanks) + end * (chance.random() < 0.8)
    content = _encoded(text, encoding, chance)
    if chance.random() < 0.3:
        suffix, content = f"{suffix}.gz", gzip.compress(content)
    return OddTable(f"t{suffix}", content, entries, {**traits, "encoding": encoding, "end": end})


def _with_blanks(chance: random.Random, lines: list[str]) -> Iterator[str]:
    for line in lines:
        if chance.random() < 0.03:
            yield ""
        yield line


def _encoded(text: str, encoding: str, chance: random.Random) -> bytes:
    bad = {
        "utf-8": chance.choice((b"\xc3\xa9\xff", b"a\0b", b"\x81")),
        "cp1252": chance.choice((b"\x81", b"\0")),
        "utf-16-le": b"\0\xd8",
        "utf-16-be": b"\xd8\0",
    }
    plain = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)
    mark = {"utf-8-sig": b"\xef\xbb\xbf", "utf-16": b"\xff\xfe"}.get(encoding, b"")
    return mark + bad[plain].join(part.encode(plain) for part in text.split(_BAD))
