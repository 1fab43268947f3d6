"""Make the corpus of real texts: `python -m tools.demo_web.make_texts PACKAGES` writes it.

Alternative texts of documentation pages and titles of drawings, all as their authors wrote them:
nothing is left out or corrected, so that the rules of the recipes meet what they are for.
`SOURCES.md` says which packages, and how to unpack them into the folder `PACKAGES`.
"""

import argparse
import gzip
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urljoin

from pipelines.crawl.pages.html import extract
from tools.demo_web.openclipart import public_domain_texts

TEXTS = Path(__file__).resolve().parents[2] / "demo" / "texts.tsv.gz"
DOCUMENTATION = ("astropy", "pandas", "scipy", "skimage", "sklearn", "wand")

Row = tuple[str, str]  # image URL, text


def texts(packages: Path) -> list[Row]:
    """All rows, each once, in a total order."""
    rows = {row for name in DOCUMENTATION for row in alternative_texts(packages / name, name)}
    for path, text in public_domain_texts(packages / "openclipart"):
        rows.add((f"https://openclipart.demo.test/{quote(path)}", text))
    return sorted(rows)


def alternative_texts(folder: Path, name: str) -> Iterator[Row]:
    """Image URL and alternative text of every `<img>` of a folder of pages that has one."""
    for page in sorted(folder.rglob("*.html")):
        address = f"https://{name}.demo.test/{quote(page.relative_to(folder).as_posix())}"
        for found in extract(page.read_bytes(), address, text_sources=("alt",)):
            text = " ".join(found.caption.split())
            if text and not found.raw_url.startswith("data:"):
                yield urljoin(found.base_url, found.raw_url), text


def to_bytes(rows: list[Row]) -> bytes:
    """A table with a header line, in gzip without a date."""
    lines = ["url\tcaption", *("\t".join(row) for row in rows)]
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), 9, mtime=0)


def main() -> None:
    """Write the table and print how much is in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", type=Path, help="folder with the unpacked packages")
    rows = texts(parser.parse_args().packages)
    TEXTS.write_bytes(to_bytes(rows))
    print(f"{len(rows)} rows, {len({text for _, text in rows})} different texts, {TEXTS}")


if __name__ == "__main__":
    main()
