"""The tree of LlamaGen: for each image a `.npy` of codes and one of its class, by number.

Source of the layout: FoundationVision/LlamaGen ce98ec4 `autoregressive/train/extract_codes_c2i.py`
(int64 `(1, views, tokens)` and `(1,)`), and `dataset/imagenet.py`, `CustomDataset`, which draws one
of the views where the path holds `flip`. Captions lie as `language/extract_t5_feature.py` reads
them. No loader of codes by caption was published: `dataset/t2i.py`, `Text2ImgDatasetCode`.
"""

import io
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dalle_model import files
from orchestration.token_formats.facts import read_facts
from orchestration.token_formats.format import Export, Format, FormatError, Opened, Piece
from orchestration.token_formats.imported_rows import CODES
from orchestration.token_formats.samples import (
    class_columns,
    classes_of,
    codes_of,
    npy,
    whole_samples,
)
from orchestration.token_formats.tables import batches, table_of

CAPTIONS = "captions.jsonl"
CLASS = pa.field("class_id", pa.int64())
_FILES_AT_ONCE = 16  # chosen: each waits for a disk or a store, not for a processor
_FOLDER = re.compile(r"(.*)_codes")
_FILE = re.compile(r"(\d+)\.npy")
_SCHEMA = pa.schema(
    [
        pa.field("key", pa.string()),
        pa.field("view", pa.uint8()),
        pa.field("caption", pa.string()),
        pa.field("source_key", pa.string()),
        pa.field(CODES, pa.list_(pa.int64())),
        CLASS,
    ]
)


def folders(export: Export) -> tuple[str, str]:
    """URLs of the folders of codes and of classes, whose names the loader makes of the size."""
    side = export.tokens.side
    codes, labels = f"imagenet{side}_codes", f"imagenet{side}_labels"
    return files.join(export.out, codes), files.join(export.out, labels)


def _refuse(export: Export) -> None:
    try:
        folders(export)
    except ValueError as error:
        raise FormatError(
            f"llamagen has the edge of square images in its names: {error}; hf and webdataset "
            "take any"
        ) from error
    if export.num_views > 1 and "flip" not in export.out:
        raise FormatError(
            f"LlamaGen's loader draws one of {export.num_views} views only where the path of the "
            f"codes holds `flip`; name OUT so, as {export.out.rstrip('/')}_flip_ten_crop"
        )


def _export(export: Export) -> Iterator[Piece]:
    codes, labels = folders(export)
    written, first = set(files.list_names(codes)), 0
    with ThreadPoolExecutor(_FILES_AT_ONCE, "export") as threads:
        for shard in export.shards:
            number = first
            for table in whole_samples(export, shard, [export.column, *class_columns(export)]):
                contents = dict[str, bytes]()
                for views, label in arrays(export, table):
                    if f"{number}.npy" not in written:
                        contents[files.join(labels, f"{number}.npy")] = npy(label)
                        contents[files.join(codes, f"{number}.npy")] = npy(views)
                    number += 1
                list(threads.map(files.write_bytes, contents, contents.values()))
            yield Piece(shard.rows, number - first)
            first = number
    _write_captions(export)


def arrays(
    export: Export, table: pa.Table
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Codes int64 `(1, views, tokens)` and class int64 `(1,)` of each sample."""
    codes = codes_of(export, table).astype(np.int64)
    classes = classes_of(export, table)
    views = export.num_views
    for start in range(0, len(codes), views):
        yield codes[None, start : start + views], classes[start : start + 1]


def _write_captions(export: Export) -> None:
    """A line for each sample, in their order, behind all of whose codes it is written."""
    columns = ["key", "view", "caption", "url", "name"]
    with files.writing(files.join(export.out, CAPTIONS)) as stream:
        for shard in export.shards:
            for table in shard.tables(columns):
                for row in table.to_pylist():
                    if not row["view"]:
                        stream.write(_caption_line(row).encode())


def _caption_line(row: dict[str, Any]) -> str:
    found = {"image_path": row["name"] or row["url"], "text": [row["caption"]], "key": row["key"]}
    return json.dumps(found, ensure_ascii=False) + "\n"


def _read(url: str, _column: str) -> Opened:
    codes, labels = _source_folders(url)
    sizes = files.list_sizes(codes)
    numbers = sorted(int(found[1]) for name in sizes if (found := _FILE.fullmatch(name)))
    if not numbers:
        raise FormatError(f"{codes} has no file such as 0.npy")
    views = len(_load(files.join(codes, f"{numbers[0]}.npy"), 3)[0])

    def tables() -> Iterator[pa.Table]:
        for batch in batches(_rows(url, codes, labels, numbers, views)):
            yield table_of(codes, batch, _SCHEMA)

    identities = tuple((files.join(codes, f"{n}.npy"), sizes[f"{n}.npy"], None) for n in numbers)
    return Opened(
        read_facts(url), len(numbers) * views, tables, identities, added=(CLASS,), num_views=views
    )


def _source_folders(url: str) -> tuple[str, str]:
    found = [match[1] for name in files.list_names(url) if (match := _FOLDER.fullmatch(name))]
    if len(found) != 1:
        raise FormatError(
            f"{url} has {len(found)} folders such as imagenet256_codes, and one is to be read"
        )
    return files.join(url, f"{found[0]}_codes"), files.join(url, f"{found[0]}_labels")


def _rows(
    url: str, codes: str, labels: str, numbers: list[int], views: int
) -> Iterator[dict[str, Any]]:
    captions = _captions(url, len(numbers))
    for number in numbers:
        name = f"{number}.npy"
        held = _load(files.join(codes, name), 3)[0]
        if len(held) != views:
            raise FormatError(f"{codes}/{name} has {len(held)} views, and others have {views}")
        label = int(_load(files.join(labels, name), 1)[0])
        said = next(captions, {})
        for view, tokens in enumerate(held.tolist()):
            yield {
                "source_key": str(number),
                **said,
                "view": view,
                CODES: tokens,
                "class_id": label,
            }


def _load(url: str, dimensions: int) -> npt.NDArray[Any]:
    try:
        array = np.load(io.BytesIO(files.read_bytes(url)), allow_pickle=False)
    except FileNotFoundError as error:
        raise FormatError(
            f"{url} is missing, though there is another file of its sample"
        ) from error
    except Exception as error:  # hostile bytes make numpy raise half a dozen classes
        raise FormatError(f"{url} cannot be read: {error}") from error
    if array.ndim != dimensions or len(array) != 1 or not np.issubdtype(array.dtype, np.integer):
        raise FormatError(f"{url} is {array.dtype} {array.shape}, which LlamaGen does not write")
    return np.asarray(array)


def _captions(url: str, samples: int) -> Iterator[dict[str, Any]]:
    """Key and caption of each sample, where there are captions."""
    file = files.join(url, CAPTIONS)
    if not files.exists(file):
        return
    with files.open_read(file) as stream:
        lines = sum(1 for line in stream if line.strip())
    if lines != samples:
        raise FormatError(f"{file} has {lines:,} lines for {samples:,} samples")
    with files.open_read(file) as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield _said(file, number, line)


def _said(file: str, number: int, line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
        found = {"caption": row["text"][0]}
        return found | ({"key": row["key"], "source_key": None} if "key" in row else {})
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise FormatError(
            f"{file} line {number:,} is not an object with a list `text`: {error!r}"
        ) from error


LLAMAGEN = Format(
    name="llamagen",
    reader="LlamaGen, dataset/imagenet.py CustomDataset",
    export=_export,
    read=_read,
    joins_views=True,
    asks_classes=True,
    refuse=_refuse,
)
