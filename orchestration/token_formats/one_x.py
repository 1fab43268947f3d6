"""Memory-mapped codes of the 1X world model challenge: a frame of a clip for each row.

Source of the layout: 1x-technologies/1xgpt 0069734 `data.py`, `RawTokenDataset`; of the names in
`metadata.json`, `train.py`.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np

from dalle_model import files
from orchestration.token_formats.format import Export, Format, FormatError, Piece
from orchestration.token_formats.samples import codes_of

VIDEO, SEGMENTS, KEYS, METADATA = "video.bin", "segment_ids.bin", "keys.txt", "metadata.json"
_DTYPE = "<u4"


def _refuse(export: Export) -> None:
    try:
        metadata(export, 0)
    except ValueError as error:
        raise FormatError(f"1xgpt has square grids of codes: {error}") from error


def _export(export: Export) -> Iterator[Piece]:
    urls = [files.join(export.out, name) for name in (VIDEO, SEGMENTS, KEYS)]
    frames = 0
    with ExitStack() as stack:
        video, segments, keys = [stack.enter_context(files.writing(url)) for url in urls]
        for shard in export.shards:
            for table in shard.tables(["key", "view", export.column]):
                video.write(codes_of(export, table).astype(_DTYPE).tobytes())
                numbers = np.arange(frames, frames + table.num_rows)
                segments.write(numbers.astype("<i4").tobytes())
                names = table.select(["key", "view"]).to_pylist()
                keys.write("".join(f"{row['key']} {row['view']}\n" for row in names).encode())
                frames += table.num_rows
            yield Piece(shard.rows, shard.rows)
    files.write_json(files.join(export.out, METADATA), metadata(export, frames))


def metadata(export: Export, frames: int) -> dict[str, Any]:
    """What the loader and `train.py` read of the codes."""
    return {
        "num_images": frames,
        "s": export.tokens.grid,
        "token_dtype": "uint32",
        "vocab_size": export.tokens.num_codes,
        "hz": 0,  # each image is a clip of its own
    }


ONE_X = Format(
    name="1xgpt", reader="1xgpt, data.py RawTokenDataset", export=_export, refuse=_refuse
)
