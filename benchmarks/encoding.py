"""Images to tokens: models alone, then from JPEG files to token shards.

The first peer is OpenAI's `dall_e`, whose encoder is run eagerly in float32, as its notebook does.
The other one works like FoundationVision/LlamaGen `autoregressive/train/extract_codes_t2i.py`:
Pillow, the same model eagerly at batch 1, one `.npy` of int64 per image. One thread in all.
"""

import io
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from PIL import Image

from benchmarks.material import SIDE, Pair, pairs
from benchmarks.measure import Row, race, size, speed
from dalle_model import files
from dalle_model.config import DvaeConfig
from dalle_model.pixels import Codes, Rgb, crop_box
from dalle_model.resize import square
from dalle_model.shard_schema import column_encodings, token_schema
from dalle_model.threads import pinned_kernels
from dalle_model.tokenizers.codec import Codec
from dalle_model.tokenizers.devices import multiplies_bfloat16
from dalle_model.tokenizers.dvae import Dvae, to_input
from dalle_model.tokenizers.dvae_codec import DvaeCodec
from dalle_model.tokenizers.facts import dvae_facts
from dalle_model.tokenizers.registry import codec_url, load_codec
from dalle_model.tokenizers.vq import Vq
from dalle_model.tokenizers.vq_codec import VqCodec
from dalle_model.tokenizers.vqgan_codec import to_input as to_signed
from pipelines.encode.batch_size import BatchSize
from pipelines.encode.config import EncodeConfig
from pipelines.encode.encoder import Encoder, Tokens
from pipelines.encode.shard import shard_metadata
from pipelines.images.config import ImagesConfig
from pipelines.images.decode import Decoded, decode
from pipelines.images.size import shrink
from pipelines.io.parquet import to_bytes
from pipelines.sameness.hashes import phash
from tests.support.photographs import jpeg

NUM_IMAGES = 192
NUM_PHOTOGRAPHS = 64
BLOCK_BYTES = 4096  # that a small file occupies on ext4 and xfs
NPY = "peer: batch 1, an int64 .npy per image"
LOOP = "peer: LlamaGen's loop, the same model"
ALONE = "floor: the model alone"
Plain = Callable[[Rgb], Codes]


def measure() -> list[Row]:
    """Images per CPU-second and bytes per image."""
    return [*_paper(), *_demo(), *_stored()]


def _paper() -> list[Row]:
    """The paper's sizes, with random weights: seconds an image, so a single one."""
    torch.manual_seed(0)
    plain = Dvae(DvaeConfig()).eval().requires_grad_(requires_grad=False)
    codec = DvaeCodec(_copy(plain), dvae_facts("paper", "0" * 64, plain.config.to_dict(), {}))
    photograph, side = jpeg(0), plain.config.side
    pixels = np.stack([_cropped(photograph, side)])
    rows = []
    if (peer := _dall_e(plain)) is not None:
        forms = [("float32", codec)]
        if multiplies_bfloat16():
            forms.append(("bfloat16", codec.in_fast_form()))
        for name, form in forms:
            rows.append(_against("dall_e, eager float32", name, form, peer, pixels))
    what = f"JPEG to token shard, paper's dVAE, {codec.in_fast_form().precision}"
    loop = _eagerly(plain)
    return rows + _end_to_end(what, codec, loop, [photograph], EncodeConfig(mode="fast"))


def _dall_e(plain: Dvae) -> Plain | None:
    """OpenAI's encoder with the weights of ours; None where it is not installed."""
    try:
        module = import_module("dall_e.encoder")
    except ImportError:
        print("\n  no dall_e: pip install --no-deps DALL-E==0.1", end="", file=sys.stderr)
        return None
    peer = module.Encoder().eval()
    peer.load_state_dict(plain.encoder.state_dict())

    def encode(images: Rgb) -> Codes:
        return np.asarray(peer(to_input(images)).argmax(dim=1).flatten(1).numpy(), np.uint16)

    return encode


def _against(peer_is: str, name: str, codec: DvaeCodec, peer: Plain, pixels: Rgb) -> Row:
    with pinned_kernels():
        same = float((codec.encode(pixels) == peer(pixels)).mean())
        times = race(lambda: codec.encode(pixels), lambda: peer(pixels))
    note = f"{same:.2%} of the codes of random weights are the peer's"
    what = f"Encoder, paper's dVAE, {name}"
    return speed(what, "images", f"peer: {peer_is}", len(pixels), times, note)


def _demo() -> list[Row]:
    """The codec that ships: exact and fast against its modules, image by image; then end to end."""
    codec, plain = load_codec("demo"), _eagerly(VqCodec.load(codec_url("demo")).model)
    config = ImagesConfig(side=SIDE, resize="lanczos")
    squares = [square(decode(p.encoded, config).rgb, SIDE) for p in pairs(NUM_IMAGES)]
    before = np.concatenate([plain(rgb[None]) for rgb in squares])
    rows = []
    for mode in ("exact", "fast"):
        encoder = _encoder(codec, EncodeConfig(mode=mode))
        same = float((_codes(encoder, squares) == before).mean())
        times = race(
            lambda encoder=encoder: encoder.encode(squares),  # type: ignore[misc]
            lambda: [plain(rgb[None]) for rgb in squares],
        )
        note = f"{same:.3%} of the codes are the same"
        what = f"Encoder, demo codec, {mode}"
        peer = "peer: its modules run plainly, batch 1"
        rows.append(speed(what, "images", peer, len(squares), times, note))
    photographs = [jpeg(seed) for seed in range(NUM_PHOTOGRAPHS)]
    what = "JPEG to token shard, demo codec"
    return rows + _end_to_end(what, codec, plain, photographs, EncodeConfig())


def _end_to_end(
    what: str, codec: Codec, plain: Plain, photographs: Sequence[bytes], config: EncodeConfig
) -> list[Row]:
    """JPEG files in, a token shard out; against the loop, and against the model alone."""
    settings = ImagesConfig(side=codec.facts.side, decode="scaled", crop="center", resize="bicubic")
    encoder, rows = _encoder(codec, config), [_row(pair) for pair in pairs(len(photographs))]
    squares = [_cropped(content, codec.facts.side) for content in photographs]

    def ours(url: str) -> None:
        found = [square(decode(x, settings).rgb, codec.facts.side, "bicubic") for x in photographs]
        _write_shard(encoder, found, rows[: len(found)], url)

    with tempfile.TemporaryDirectory() as folder:
        times = race(
            lambda: ours(files.join(folder, "shard.parquet")),
            lambda: _loop(plain, photographs, codec.facts.side, Path(folder)),
            lambda: encoder.encode(squares),
        )
    count = len(photographs)
    return [
        speed(what, "images", LOOP, count, times[:2]),
        speed(what, "images", ALONE, count, [times[0], times[2]]),
    ]


def _loop(plain: Plain, photographs: Sequence[bytes], side: int, folder: Path) -> None:
    for number, content in enumerate(photographs):
        codes = plain(_cropped(content, side)[None])
        np.save(folder / f"{number}.npy", codes.astype(np.int64))


def _cropped(content: bytes, side: int) -> Rgb:
    """The centre square, halved by boxes, then bicubic, as ADM and LlamaGen crop."""
    image = Image.open(io.BytesIO(content)).convert("RGB")
    while min(image.size) >= 2 * side:
        image = image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
    scale = side / min(image.size)
    wanted = (round(image.width * scale), round(image.height * scale))
    array = np.asarray(image.resize(wanted, Image.Resampling.BICUBIC))
    top, left = (array.shape[0] - side) // 2, (array.shape[1] - side) // 2
    return array[top : top + side, left : left + side]


def _stored() -> list[Row]:
    """From squares to what is stored, with the codec that ships."""
    codec, chosen = load_codec("demo"), pairs(NUM_IMAGES)
    config = ImagesConfig(side=SIDE, resize="lanczos")
    pixels = [decode(pair.encoded, config).rgb for pair in chosen]
    squares, encoder = [square(rgb, SIDE) for rgb in pixels], _encoder(codec, EncodeConfig())
    rows = [_row(pair, rgb) for pair, rgb in zip(chosen, pixels, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        shard = files.join(folder, "shard.parquet")
        times = race(
            lambda: _write_shard(encoder, squares, rows, shard),
            lambda: _write_npy(codec, squares, Path(folder)),
        )
        ours = Path(shard).stat().st_size / len(squares)
        arrays = list(Path(folder).glob("*.npy"))
        theirs = sum(path.stat().st_size for path in arrays) / len(squares)
    note = (
        "ours counts whole rows with key, caption, URLs and hash; the peer's counts codes alone, "
        f"without the rest of the {BLOCK_BYTES} bytes that each file occupies on disk"
    )
    return [
        speed("Images to tokens", "images", NPY, len(squares), times),
        size("Images to tokens", "bytes/image", NPY, ours, theirs, note),
    ]


def _row(pair: Pair, rgb: Rgb | None = None) -> dict[str, Any]:
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8) if rgb is None else rgb
    height, width, _ = pixels.shape
    hashed = shrink(Decoded(pixels, width, height), ImagesConfig(side=SIDE, resize="lanczos"))
    row = pair.candidate
    return {
        "key": row.key,
        "caption": row.caption,
        "view": 0,
        "crop": crop_box(width, height),
        "flipped": False,
        "width": width,
        "height": height,
        "phash": phash(hashed),
        "sha256": "",
        "url": row.url,
        "page_url": row.page_url,
        "license": row.license,
        "source": row.source,
        "name": "",
    }


def _encoder(codec: Codec, config: EncodeConfig) -> Encoder:
    size = BatchSize(config.batch_size, is_fixed=config.mode == "exact")
    return Encoder(codec, config, size)


def _codes(encoder: Encoder, squares: Sequence[Rgb]) -> Codes:
    return np.stack([o.codes for o in encoder.encode(squares) if isinstance(o, Tokens)])


def _write_shard(
    encoder: Encoder, squares: Sequence[Rgb], rows: Sequence[dict[str, Any]], url: str
) -> None:
    codes = _codes(encoder, squares)
    tokens = [row | {"image_tokens": code} for row, code in zip(rows, codes, strict=True)]
    metadata = shard_metadata(encoder.codec, "0" * 64)
    table = pa.Table.from_pylist(tokens, schema=token_schema(metadata))
    files.write_bytes(url, to_bytes(table.sort_by("key"), column_encodings(metadata)))


def _write_npy(codec: Codec, squares: list[Rgb], folder: Path) -> None:
    with pinned_kernels():
        for number, rgb in enumerate(squares):
            codes = codec.encode(rgb[None]).astype(np.int64)
            np.save(folder / f"{number}.npy", codes)


def _eagerly(model: Dvae | Vq) -> Plain:
    """A codec's modules as they stand, without anything of ours around them."""
    scale = to_input if isinstance(model, Dvae) else to_signed

    def encode(images: Rgb) -> Codes:
        with pinned_kernels():
            return model.encode(scale(images)).flatten(1).numpy().astype(np.uint16)

    return encode


def _copy(model: Dvae) -> Dvae:
    """With weights of its own: a codec lays them out anew."""
    copy = Dvae(model.config)
    copy.load_state_dict(model.state_dict())
    return copy
