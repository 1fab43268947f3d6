"""The sample archives of pywb and warcio, read by this package and by warcio.

They are in the source packages of both, which `pip` downloads. `python -m tests.support.samples`
prints the comparison as a table.
"""

import io
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from pipelines.crawl.archives.warc import read_warc
from pipelines.crawl.books import PassedOver
from pipelines.crawl.pages.page import Page
from pipelines.rejection import Rejection
from pipelines.web.media_types import is_html

# The last of each with samples in its source package, and the newest reader.
SAMPLES = ("pywb==2.7.4", "warcio==1.6.3")
READER = "warcio==1.7.5"
MAX_PAGE_BYTES = 1 << 24

_SUFFIXES = (".warc", ".warc.gz", ".arc", ".arc.gz", ".bad")


@dataclass(frozen=True)
class Compared:
    """Pages of an archive by both readers: how often each address and content is there.

    Args:
        ours: of this package.
        theirs: of warcio.
        rejected: details of rejections.
        passed_over: counts by kind.
        error: with which warcio ended; empty for none.
    """

    ours: Counter[tuple[str, bytes]]
    theirs: Counter[tuple[str, bytes]]
    rejected: list[str]
    passed_over: dict[str, int]
    error: str

    @property
    def counts(self) -> tuple[int, int, int]:
        """Pages found by both, by us alone and by warcio alone."""
        both = self.ours & self.theirs
        return both.total(), (self.ours - both).total(), (self.theirs - both).total()


def download(folder: Path) -> dict[str, bytes]:
    """The sample archives, by package and name; warcio itself can be imported afterwards.

    Raises:
        CalledProcessError: the package index cannot be reached.
    """
    found: dict[str, bytes] = {}
    for package in SAMPLES:
        with tarfile.open(_sdist(package, folder / package)) as sdist:
            for member in sdist:
                if member.isfile() and member.name.endswith(_SUFFIXES):
                    name = f"{package.partition('==')[0]}/{Path(member.name).name}"
                    found[name] = _content(sdist, member)
    with tarfile.open(_sdist(READER, folder / READER)) as sdist:
        sdist.extractall(folder, filter="data")
    sys.path.append(str(next(folder.glob("warcio-*"))))
    return found


def compare(content: bytes) -> Compared:
    """Read an archive both ways."""
    rows = list(read_warc(io.BytesIO(content), MAX_PAGE_BYTES))
    theirs, error = _by_warcio(content)
    return Compared(
        Counter((row.url, row.html) for row in rows if isinstance(row, Page)),
        theirs,
        [row.detail for row in rows if isinstance(row, Rejection)],
        {row.what: row.count for row in rows if isinstance(row, PassedOver)},
        error,
    )


def table(compared: Mapping[str, Compared]) -> Iterator[str]:
    """The lines of a table."""
    yield f"{'archive':52} {'both':>5} {'ours':>5} {'warcio':>6}  also"
    for name, one in sorted(compared.items()):
        counts = "; ".join(f"{what} {count}" for what, count in one.passed_over.items())
        also = [f"rejected {len(one.rejected)}: {one.rejected[0]}"] if one.rejected else []
        also += [counts] if counts else []
        also += [f"warcio: {one.error}"] if one.error else []
        both, ours, theirs = one.counts
        yield f"{name:52} {both:5} {ours:5} {theirs:6}  {'; '.join(also)}"


def _by_warcio(content: bytes) -> tuple[Counter[tuple[str, bytes]], str]:
    reader = import_module("warcio.archiveiterator")
    failure = import_module("warcio.exceptions").ArchiveLoadFailed
    pages: Counter[tuple[str, bytes]] = Counter()
    try:
        for record in reader.ArchiveIterator(io.BytesIO(content), arc2warc=True):
            if (page := _page(record)) is not None:
                pages[page] += 1
    except failure as error:
        return pages, f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"[:90]
    return pages, ""


def _page(record: Any) -> tuple[str, bytes] | None:
    """What warcio gives for a page; None for a record of anything else."""
    if record.rec_type == "response" and record.http_headers:
        if record.http_headers.get_statuscode() != "200":
            return None
        content_type = record.http_headers.get_header("Content-Type")
    elif record.rec_type == "resource":
        content_type = record.rec_headers.get_header("Content-Type") or "unknown"
    else:
        return None
    body = record.content_stream().read()
    url = record.rec_headers.get_header("WARC-Target-URI").strip("<> ")
    return (url, body) if is_html(content_type, body) else None


def _sdist(package: str, folder: Path) -> Path:
    command = [
        "download",
        "--quiet",
        "--no-binary",
        ":all:",
        "--no-deps",
        "-d",
        str(folder),
        package,
    ]
    subprocess.run([sys.executable, "-m", "pip", *command], check=True, timeout=250)
    return next(folder.glob("*.tar.gz"))


def _content(sdist: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = sdist.extractfile(member)
    assert content is not None
    return content.read()


def _main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        archives = download(Path(folder))
        compared = {name: compare(content) for name, content in archives.items()}
        sys.stdout.writelines(f"{line}\n" for line in table(compared))


if __name__ == "__main__":
    _main()
