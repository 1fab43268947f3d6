"""How good the codes of a run's token shards are: how they are used, where, and in which shards."""

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np

from dalle_model.at_once import at_once
from dalle_model.shard_schema import IMAGE_TOKENS, TOKEN_SHAPE
from dalle_model.shard_sets.code_counts import use_of
from dalle_model.shard_sets.shard import Shard, open_shard
from dalle_model.shard_sets.statistics import SetStatistics, set_statistics
from dalle_model.shard_sets.token_set import TokenSet
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
from pipelines.views import Curves, Frequencies, HeatMap, View

MAX_CODES = 1 << 27  # that a report reads; chosen: some 10 CPU s, 2e6 rows of 64


def code_views(folder: StageFolder, manifest: Manifest) -> Iterable[View]:
    """The codes of a run for the report; nothing of a run without rows."""
    if not manifest.rows_out:
        return
    found = _opened(folder, manifest)
    measured = set_statistics(found, IMAGE_TOKENS)
    yield _use(found, measured, manifest)
    yield from _by_position(measured)
    yield from _by_shard(measured)


def _opened(folder: StageFolder, manifest: Manifest) -> TokenSet:
    """The shards, or of very many codes some that lie evenly among them."""
    urls = [folder.file(entry["name"]) for entry in manifest.files]
    first = open_shard(urls[0])
    codes = manifest.rows_out * _codes_a_row(first)
    urls = urls[:: max(1, -(-codes // MAX_CODES))]
    return TokenSet(folder.url, tuple(at_once(open_shard, urls)))


def _codes_a_row(shard: Shard) -> int:
    metadata = shard.metadata
    if metadata.token_shape is not None:
        return metadata.num_tokens * metadata.codebooks
    return sum(map(len, next(shard.tables([IMAGE_TOKENS]))[IMAGE_TOKENS][:1]))


def _use(found: TokenSet, measured: SetStatistics, manifest: Manifest) -> Frequencies:
    metadata, codes = measured.metadata, measured.codes
    counts = measured.counts.sum(axis=0)
    use = use_of(counts)
    num_bytes = sum(entry["bytes"] for entry in manifest.files)
    of = "" if codes.rows == manifest.rows_out else f" of {codes.rows:,} rows that were read"
    return Frequencies(
        title="Image tokens",
        about=(
            f"Codec {metadata.codec}, {metadata.words}; {use.used:,} codes used{of}, perplexity "
            f"{use.perplexity:.0f} ({use.entropy:.2f} of {np.log2(use.num_codes):.2f} bits); "
            f"{codes.constant:,} rows all of one code, {codes.copies.images:,} images with the "
            f"codes of another; {shapes(found)}shards {num_bytes:,} bytes. "
            f"SHA-256 of the weights: {metadata.codec_sha256}{agreement(manifest)}{proof(manifest)}"
        ),
        x="codes, most used first",
        y="times used",
        counts=counts,
    )


def _by_position(measured: SetStatistics) -> Iterator[View]:
    entropy = measured.position_entropy
    if entropy is None:
        return
    title = "Entropy of tokens by position"
    about = (
        f"{entropy.min():.2f} to {entropy.max():.2f} bits, {entropy.mean():.2f} on average, over "
        f"{measured.codes.rows:,} rows. Where it is low, images have much the same there, as white "
        "borders; it is no more than log2 of the rows."
    )
    if entropy.ndim == 2:
        yield HeatMap(title, about, "column", "row", "entropy (bits)", entropy)
    else:
        values = entropy.reshape(-1).tolist()
        yield Curves(title, about, "position", "bits", range(len(values)), {"entropy": values})


def _by_shard(measured: SetStatistics) -> Iterator[Curves]:
    told = [(n, one.drift) for n, one in enumerate(measured.shards) if one.drift is not None]
    if not told:
        return
    alarms = [one.url.rpartition("/")[2] for one in measured.alarms]
    said = f"ALARM: {', '.join(alarms[:5])}" if alarms else "No shard is an alarm"
    more = f" and {len(alarms) - 5:,} more" if len(alarms) > 5 else ""
    yield Curves(
        title="Drift of tokens between shards",
        about=(
            f"How far the codes of each shard are from those of the others, where 1 is what chance "
            f"gives on average. {said}{more}. dalle shards stats says more."
        ),
        x="shard",
        y="times what chance gives",
        steps=[n for n, _ in told],
        lines={
            "shards": [drift.ratio for _, drift in told],
            "alarm above": [drift.limit for _, drift in told],
        },
    )


def shapes(found: TokenSet) -> str:
    """How many rows have each token shape, the most frequent first; empty where all have one."""
    if found.metadata.token_shape is not None:
        return ""
    counts = shape_counts(chain.from_iterable(one.tables([TOKEN_SHAPE]) for one in found.shards))
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
