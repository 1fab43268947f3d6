"""How often the codes of the codec stand in the token shards of a run."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from dalle_model.evaluate.reconstruction import code_use
from dalle_model.shards import read_metadata, read_shards
from pipelines.encode.config import (
    DIFFER_BY_BATCH,
    DIFFER_FROM_EXACT,
    IMAGES_COMPARED,
    IMAGES_PROVEN,
    TOKENS_COMPARED,
    TOKENS_EQUAL,
    TOKENS_PROVEN,
)
from pipelines.encode.shapes import shape_counts
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest
from pipelines.views import Frequencies, View


def code_frequencies(folder: StageFolder, manifest: Manifest) -> Iterable[View]:
    """The use of the codebook, for the report; nothing of a run without rows."""
    if not manifest.rows_out:
        return
    urls = [folder.file(entry["name"]) for entry in manifest.files]
    metadata = read_metadata(urls[0])
    own_shapes = ["token_shape"] if metadata.token_shape is None else []
    table = read_shards(urls, columns=["image_tokens", *own_shapes])
    column = table.column("image_tokens").combine_chunks()
    tokens = column.flatten().to_numpy(zero_copy_only=False)
    use = code_use(tokens, metadata.num_codes)
    num_bytes = sum(entry["bytes"] for entry in manifest.files)
    yield Frequencies(
        title="Image tokens",
        about=(
            f"Codec {metadata.codec}, {metadata.words}; {use.used:,} codes used, perplexity "
            f"{use.perplexity:.0f}; {shapes(table)}shards {num_bytes:,} bytes. "
            f"SHA-256 of the weights: {metadata.codec_sha256}{agreement(manifest)}{proof(manifest)}"
        ),
        x="codes, most used first",
        y="times used",
        counts=np.bincount(tokens, minlength=metadata.num_codes),
    )


def shapes(table: pa.Table) -> str:
    """How many rows have each token shape, the most frequent first; empty where all have one."""
    if "token_shape" not in table.column_names:
        return ""
    counts = shape_counts([table])
    said = (f"{' x '.join(map(str, shape))} of {rows:,} rows" for shape, rows in counts)
    return f"token shapes {', '.join(said)}; "


def agreement(manifest: Manifest) -> str:
    """A sentence on tokens of images decoded at a scale; empty where none were compared."""
    counts = manifest.metrics
    if not counts.get(TOKENS_COMPARED):
        return ""
    share = counts[TOKENS_EQUAL] / counts[TOKENS_COMPARED]
    return (
        f". Of {counts[TOKENS_COMPARED]:,} tokens of {counts[IMAGES_COMPARED]:,} images decoded at "
        f"a scale, {share:.1%} are those of full decoding"
    )


def proof(manifest: Manifest) -> str:
    """A sentence on tokens of images that were encoded again; empty where none were."""
    counts = manifest.metrics
    if not counts.get(TOKENS_PROVEN):
        return ""
    said = (
        f". Of {counts[TOKENS_PROVEN]:,} tokens of {counts[IMAGES_PROVEN]:,} images that were "
        f"encoded again, {counts[DIFFER_BY_BATCH]:,} differ in batches of another size"
    )
    if DIFFER_FROM_EXACT in counts:
        said += f", and {counts[DIFFER_FROM_EXACT]:,} from those in full precision"
    return said
