"""Token sets in the formats of other programs, there and back."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from dalle_model.shards import list_shards, read_shards
from orchestration.engine.progress import Quiet
from orchestration.token_formats.exporting import TokenExport, export_set
from orchestration.token_formats.importing import Stated, TokenImport, import_set
from orchestration.token_sets.checking import check_set
from tests.support.token_shards import pair_rows, write_token_set

ADDED = (pa.field("label", pa.int64()), pa.field("score", pa.float32()))
EMPTY = {"sha256": "", "url": "", "page_url": "", "license": "", "source": "", "name": ""}


def described_rows(count: int, num_views: int = 1, **changes: Any) -> list[dict[str, Any]]:
    """Rows of which no two have one caption, url, crop, label or score, with all of their views."""
    return [
        row
        | {
            "view": view,
            "image_tokens": [(code + view) % 16 for code in row["image_tokens"]],
            "crop": [n, view, n + 24, view + 24],
            "flipped": view >= 5,
            "width": 100 + n,
            "height": 200 + n,
            "caption": f"çaption {n}",
            "url": f"https://example.org/{n}.jpg",
            "license": "CC0" if n % 3 else "",
            "label": n % 10,
            "score": n / 8,
        }
        | changes
        for n, row in enumerate(pair_rows(count))
        for view in range(num_views)
    ]


def described_set(
    folder: Path, count: int = 40, num_views: int = 1, num_shards: int = 3, **changes: Any
) -> str:
    """Such rows as a token set."""
    views = ("centre",) if num_views == 1 else ("ten_crop",) * num_views
    rows = described_rows(count, num_views)
    return write_token_set(folder, rows, num_shards, ADDED, **{"views": views, **changes})


def exported(name: str, url: object, out: object, **options: Any) -> TokenExport:
    """A set that was written in a format."""
    given: dict[str, Any] = {"column": "image_tokens", "classes": "", "progress": Quiet()} | options
    return export_set(name, str(url), str(out), **given)


def imported(
    name: str, url: object, out: object, stated: Stated | None = None, **options: Any
) -> TokenImport:
    """A source that was made a set, all of whose bytes have been checked."""
    given: dict[str, Any] = {"column": "", "progress": Quiet()} | options
    result = import_set(name, str(url), str(out), stated or Stated(), **given)
    assert check_set(str(out)).num_rows == result.num_rows
    return result


def rows_of(url: object, columns: list[str] | None = None) -> list[dict[str, Any]]:
    """The rows of a set, by key and view."""
    table = read_shards(list_shards(str(url)), columns)
    return table.sort_by([("key", "ascending"), ("view", "ascending")]).to_pylist()


def contents(folder: Path) -> dict[str, bytes]:
    """Each file below a folder, by path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
