"""A first look at a path or a site: of which kind it is, and whether its images have captions.

It reads the first rows of a few inputs by their own readers; of a site it asks nothing.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlsplit

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.discovery import Discovered, MissingInputError, discover
from pipelines.crawl.images.image import InlineImage
from pipelines.crawl.inputs import input_extent, read_input
from pipelines.crawl.readers.registry import kind_of, readers_of
from pipelines.crawl.site.config import Site
from pipelines.crawl.sources import InputFile, Source
from pipelines.crawl.streams import OpenInput
from pipelines.crawl.tables.columns import ColumnError
from pipelines.crawl.tables.found import columns_in
from pipelines.io.material import Captions, Material, in_one_line, line, quoted
from pipelines.records import Candidate

LOOKED_AT = 200  # rows; chosen: a second of reading, and a share to a few per cent
MAX_INPUTS = 8  # of which they are; chosen: the first and the last of a folder are among them
MAX_SIZED = 100  # inputs whose sizes are asked for; chosen: a request each in a store
PAGE_BYTES = 8192  # of a stored page for each of its images; chosen: about Common Crawl's WARC
PAIRS_OF_PAGE = 5  # chosen: of a page of a live crawl

_OWN = ("file", "table")  # sources of a text that is no page
_NOWHERE = ".invalid/"  # of a host that never is. Source: RFC 2606, section 2
_HOST = re.compile(r"^([a-z0-9-]+\.)+[a-z]{2,}$")


@dataclass(frozen=True)
class _Sample:
    """The first rows of some inputs.

    Args:
        num_rows: images.
        num_captions: those with a caption.
        of_pages: those whose text was looked for in a page.
        num_bytes: of all of them, as far as a row has any in its input.
    """

    num_rows: int
    num_captions: int
    of_pages: int
    num_bytes: int

    @property
    def captions(self) -> Captions:
        """Where most captions are from; of pages without an image they would be the web's."""
        if 2 * self.of_pages >= self.num_rows:
            return "web"
        return "own" if self.num_captions else "none"

    @property
    def row_bytes(self) -> float:
        """Of the input for one row."""
        if self.captions == "web":
            return PAGE_BYTES
        return max(1.0, self.num_bytes / max(1, self.num_rows))


def look(path: str, written: str, columns: Mapping[str, str]) -> Material:
    """What is at a path or a site, and the section `crawl` that reads it.

    Args:
        path: of a file or a folder, or URL of a site.
        written: the same path as the config is to say it.
        columns: names of columns by the setting of a source, where they cannot be told.

    Raises:
        MissingInputError: nothing is there, nothing of a known kind, or no image.
        ColumnError: a table has no column of URLs or images, or more than one that could be meant.
        ValueError: a URL of the web that is none.
    """
    if path.startswith(("http://", "https://")) and kind_of(urlsplit(path).path) is None:
        return _site(path)
    source = Source.model_validate({"path": path} | _places(columns))
    found = discover(CrawlConfig(sources=(source,)))
    if any(file.kind == "html" for file, _ in found.inputs):
        source = source.model_copy(update={"base_url": _address(_name(written))})
    config = CrawlConfig(sources=(source,), min_caption_chars=0)
    found = discover(config)
    sample = _sample(found, config)
    if not sample.num_rows:
        raise MissingInputError(_without_images(path, found))
    num_pairs = _num_pairs([file for file, _ in found.inputs], sample)
    return Material(
        found=tuple(_told(found, sample, num_pairs)),
        section=_section(found, sample, written, columns),
        num_pairs=num_pairs,
        captions=sample.captions,
    )


def _site(url: str) -> Material:
    site = Site(start=(url,))
    host = urlsplit(site.start[0]).hostname or ""
    lines = [
        *("crawl:", "  sites:"),
        f"    - start: {quoted(site.start[0])}",
        line(f"      name: {quoted(host)}", "goes into the column `source` of every row"),
        line(f"      max_pages: {site.max_pages}", "of one host"),
        line(f"      max_depth: {site.max_depth}", "links from the start to a page"),
        line(f"      delay_s: {site.delay_s:g}", "between two requests to a host"),
        line("      # user_agent:", 'name yourself: "my-bot/1.0 (+https://example.org/my-bot)"'),
    ]
    told = (f"the site {host}, up to {site.max_pages:,} pages; nothing has been asked of it yet",)
    return Material(told, "\n".join(lines), site.max_pages * PAIRS_OF_PAGE, "web")


def _sample(found: Discovered, config: CrawlConfig) -> _Sample:
    num_rows = num_captions = of_pages = num_bytes = 0
    chosen = _spread(found.inputs)
    for file, source in chosen:
        rows = list(islice(_rows(file, source, config), -(-LOOKED_AT // len(chosen))))
        pairs = [row.candidate if isinstance(row, InlineImage) else row for row in rows]
        num_rows += len(rows)
        num_captions += sum(bool(pair.caption) for pair in pairs)
        of_pages += sum(pair.text_source not in _OWN for pair in pairs)
        num_bytes += _num_bytes(rows)
    return _Sample(num_rows, num_captions, of_pages, num_bytes)


def _without_images(path: str, found: Discovered) -> str:
    kinds = sorted({file.kind for file, _ in found.inputs})
    error = (
        f"{path}: read as {' and '.join(kinds)}, it has no image and no address of one, as far as "
        "it was looked at; correct the path"
    )
    if "table" not in kinds:
        return error
    return (
        f"{error}, or say what the columns are with --url-column NAME, --caption-column NAME or "
        "--image-column NAME"
    )


def _num_bytes(rows: Sequence[Candidate | InlineImage]) -> int:
    """What some first rows of an input take of it."""
    ends = [r.blob.offset + r.blob.length for r in rows if isinstance(r, InlineImage) and r.blob]
    if ends:
        return max(ends)
    return sum(
        len(row.encoded) if isinstance(row, InlineImage) else len(row.url) + len(row.caption)
        for row in rows
    )


def _rows(
    file: InputFile, source: Source, config: CrawlConfig
) -> Iterable[Candidate | InlineImage]:
    try:
        for row in read_input(file, source, config):
            if isinstance(row, Candidate | InlineImage):
                yield row
    except ColumnError as error:
        raise ColumnError(
            f"{error}; `dalle init` writes it with --url-column NAME, --caption-column NAME or "
            "--image-column NAME"
        ) from error


def _spread(inputs: Sequence[tuple[InputFile, Source]]) -> list[tuple[InputFile, Source]]:
    """Some of the inputs, from the first to the last."""
    if len(inputs) <= MAX_INPUTS:
        return list(inputs)
    step = (len(inputs) - 1) / (MAX_INPUTS - 1)
    return [inputs[round(number * step)] for number in range(MAX_INPUTS)]


def _num_pairs(files: Sequence[InputFile], sample: _Sample) -> int:
    """Roughly: images of folders are counted, of other inputs their bytes are compared."""
    sized = files[:MAX_SIZED]
    pairs = sum(_pairs(file, sample) for file in sized)
    return max(sample.num_rows, round(pairs * len(files) / max(1, len(sized))))


def _pairs(file: InputFile, sample: _Sample) -> float:
    if readers_of(file.kind)[0].folders:
        return input_extent(file).size
    with OpenInput(file) as opened:
        return opened.size / sample.row_bytes


def _told(found: Discovered, sample: _Sample, num_pairs: int) -> Iterable[str]:
    kinds = Counter(file.kind for file, _ in found.inputs)
    inputs = ", ".join(f"{count:,} of kind {kind}" for kind, count in sorted(kinds.items()))
    what = "images" if sample.captions == "none" else "pairs of an image and a caption"
    yield f"{inputs}; about {num_pairs:,} {what}"
    if sample.captions == "web":
        yield f"pages of the web, of which {sample.num_rows:,} images were looked at"
    else:
        yield (
            f"of {sample.num_rows:,} images that were looked at, {sample.num_captions:,} have a "
            "caption"
        )
    for what, count in sorted(found.books[0].passed_over.items()):
        yield f"passed over: {count:,} {what}"


def _section(found: Discovered, sample: _Sample, written: str, columns: Mapping[str, str]) -> str:
    name, source = _name(written), found.inputs[0][1]
    lines = ["crawl:", "  sources:", f"    - path: {quoted(written)}"]
    lines += _kind(found)
    lines.append(line(f"      name: {quoted(name)}", "in the column `source`"))
    lines += [f"      {setting}: {_as_yaml(place)}" for setting, place in _places(columns).items()]
    lines += _columns(found, columns)
    if source.base_url:
        why = "its address on the web, from which relative links count"
        if source.base_url.endswith(_NOWHERE):
            why = "a stand-in for its address: relative links count from it"
        lines.append(line(f"      base_url: {quoted(source.base_url)}", why))
    if sample.captions == "none":
        lines.append(line("  min_caption_chars: 0", "keeps images without a caption"))
    elif sample.captions == "own" and sample.num_captions < sample.num_rows:
        lines.append(line("  # min_caption_chars: 0", "keeps also the images without a caption"))
    return "\n".join(lines)


def _places(columns: Mapping[str, str]) -> dict[str, str | int]:
    """Columns as a source takes them: by name, or by a number from 0."""
    given = {setting: column for setting, column in columns.items() if column}
    return {s: int(c) if c.isascii() and c.isdigit() else c for s, c in given.items()}


def _as_yaml(place: str | int) -> str:
    return quoted(place) if isinstance(place, str) else str(place)


def _kind(found: Discovered) -> list[str]:
    """The kind of the source where it has one, and naming it changes nothing."""
    kinds = {file.kind for file, _ in found.inputs}
    source = found.inputs[0][1]
    named = source.model_copy(update={"kind": min(kinds)})
    if len(kinds) > 1:
        return [f"      # kinds: {', '.join(sorted(kinds))}; each found by its files"]
    again = discover(CrawlConfig(sources=(named,))).inputs
    is_same = [file for file, _ in again] == [file for file, _ in found.inputs]
    return [f"      kind: {min(kinds)}"] if is_same else []


def _columns(found: Discovered, given: Mapping[str, str]) -> list[str]:
    """The columns of the first table, as a comment: those of the others are found by themselves."""
    table = next((file for file, _ in found.inputs if file.kind == "table"), None)
    if table is None:
        return []
    chosen, names = columns_in(table, found.inputs[0][1])
    told = ", ".join(f"{name}: {column}" for name, column in chosen.items() if name not in given)
    lines = [f"      # found: {in_one_line(told)}"] if told else []
    if "caption_column" not in chosen and not given.get("caption_column"):
        there = ", ".join(names) or "without names"
        lines.append(line("      # caption_column: NAME", f"none was found; there are {there}"))
    return lines


def _name(written: str) -> str:
    return posixpath.basename(written.rstrip("/")) or "source"


def _address(name: str) -> str:
    """The address of a mirror, whose folder tools name by the host; else one that nobody has."""
    if _HOST.match(name):
        return f"https://{name}/"
    return f"https://{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-') or 'mirror'}{_NOWHERE}"
