"""Pairs of token shards as images again: `python -m tools.small_world.decode SHARDS OUT.parquet`.

What a prior draws is decoded by its codec, and does not look like what the codec was given. A
scorer that is to choose among it should have seen such images: this writes them with their
captions, as columns `image` (PNG) and `caption`, but for images that a training would hold out.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dalle_model.data.image_reader import held_out
from dalle_model.pixels import to_png
from dalle_model.shards import image_of, image_tokens, list_shards, read_shards
from dalle_model.tokenizers.codec import Codec
from dalle_model.tokenizers.registry import load_codec

_AT_ONCE = 64  # images; chosen: the memory of a batch


def decoded(rows: pa.Table, codec: Codec) -> Iterator[tuple[bytes, str]]:
    """A PNG and a caption for each row that no training holds out, in order."""
    keys = np.array([image_of(key) for key in rows["key"].to_pylist()], np.bytes_)
    rows = rows.filter(pa.array(~held_out(keys)))
    for start in range(0, len(rows), _AT_ONCE):
        part = rows.slice(start, _AT_ONCE)
        images = codec.decode(image_tokens(part))
        yield from zip(map(to_png, images), part["caption"].to_pylist(), strict=True)


def main() -> None:
    """Decode and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shards", help="folder of token shards of the codec `demo`")
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    rows = read_shards(list_shards(args.shards), columns=["key", "caption", "image_tokens"])
    images, captions = zip(*decoded(rows, load_codec("demo")), strict=True)
    pq.write_table(pa.table({"image": images, "caption": captions}), args.out)


if __name__ == "__main__":
    main()
