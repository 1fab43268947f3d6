"""Tars of ml-4m: a folder for each modality, with samples of equal names in equal order.

Source of the layout: apple/ml-4m cda590f `README_DATA.md`; of the arrays, `save_vq_tokens.py`
(codes int16 `(crops, tokens)`; crops `(crops, 5)`: top, left, height, width, mirrored) and
`fourm/data/unified_datasets.py`, `multi_tarfile_samples`, which drops the rest of a shard where two
names differ, and `tok_to_int64`, which takes codes of any type of whole numbers.
"""

import tarfile
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dalle_model import files
from dalle_model.shard_sets.pairing import boxes
from dalle_model.shard_sets.shard import Shard
from orchestration.export.tars import add_member, open_tar
from orchestration.token_formats.format import Export, Format, FormatError, Piece
from orchestration.token_formats.samples import codes_of, npy, whole_samples

CROPS, CAPTIONS = "crop_settings", "caption"
_INT16_CODES = 1 << 15  # above, int16 would wrap, as theirs does


def modality(export: Export) -> str:
    """The name of the tokens, as `fourm/data/modality_info.py` has `tok_rgb@224`."""
    return f"tok_rgb@{export.tokens.side}"


def _refuse(export: Export) -> None:
    try:
        modality(export)
    except ValueError as error:
        raise FormatError(
            f"4m has the edge of square images in the name of tokens: {error}; hf and webdataset "
            "take any"
        ) from error


def _export(export: Export) -> Iterator[Piece]:
    for index, shard in enumerate(export.shards):
        urls = {
            name: files.join(export.out, name, f"shard-{index:05d}.tar")
            for name in (modality(export), CROPS, CAPTIONS)
        }
        if not all(map(files.exists, urls.values())):
            _write(export, shard, urls)
        yield Piece(shard.rows, shard.rows // export.num_views)


def _write(export: Export, shard: Shard, urls: dict[str, str]) -> None:
    with ExitStack() as stack:
        tars = {
            name: stack.enter_context(open_tar(stack.enter_context(files.writing(url))))
            for name, url in urls.items()
        }
        columns = ["caption", "crop", "flipped", export.column]
        for table in whole_samples(export, shard, columns):
            _add(export, table, tars)


def _add(export: Export, table: pa.Table, tars: dict[str, tarfile.TarFile]) -> None:
    views = export.num_views
    kind = np.int16 if export.tokens.num_codes <= _INT16_CODES else np.int32
    codes = codes_of(export, table).astype(kind).reshape(-1, views, export.tokens.num_tokens)
    crops = crop_settings(table).reshape(-1, views, 5)
    first = table.take(pa.array(range(0, table.num_rows, views)))
    names, captions = first["key"].to_pylist(), first["caption"].to_pylist()
    for number, (name, caption) in enumerate(zip(names, captions, strict=True)):
        add_member(tars[modality(export)], f"{name}.npy", npy(codes[number]))
        add_member(tars[CROPS], f"{name}.npy", npy(crops[number]))
        add_member(tars[CAPTIONS], f"{name}.txt", caption.encode())


def crop_settings(table: pa.Table) -> npt.NDArray[np.int64]:
    """The crop of each row as ml-4m has it, int64 `(rows, 5)`, in pixels of the original.

    Raises:
        FormatError: a row has none, as of an import; names it.
    """
    left, top, right, bottom = boxes(table["crop"]).astype(np.int64).T
    empty = np.flatnonzero((right <= left) | (bottom <= top))
    if len(empty):
        raise FormatError(
            f"row {table['key'][int(empty[0])]} has no crop, which 4m keeps for each view; hf and "
            "webdataset need none"
        )
    flipped = np.asarray(table["flipped"]).astype(np.int64)
    return np.stack([top, left, bottom - top, right - left, flipped], axis=1)


FOUR_M = Format(
    name="4m",
    reader="ml-4m, fourm/data/unified_datasets.py",
    export=_export,
    joins_views=True,
    refuse=_refuse,
)
