"""The card of a folder of token shards: what the Hub and `datasets` read first, and people too."""

from collections.abc import Mapping, Sequence

from dalle_model.shard_schema import ShardMetadata
from dalle_model.shards import read_metadata
from pipelines.encode.shapes import shape_counts
from pipelines.io.hub_card import (
    about_tokens,
    counted,
    front_matter,
    how_to_use,
    of_licences_and_sources,
    table,
)
from pipelines.io.layout import PART_PATTERN, StageFolder
from pipelines.io.manifest import Manifest
from pipelines.io.parquet import read_row_groups


def card(folder: StageFolder, manifests: Sequence[Manifest]) -> str:
    """The card as Markdown, with the front matter that tells which files are the data.

    Args:
        folder: of the token shards.
        manifests: of all stages on which they depend, in the order of the run, their own last.

    Raises:
        ShardError: the first shard is missing or damaged.
        UnreadableShardError: another one is.
    """
    manifest = manifests[-1]
    metadata = read_metadata(folder.part(0))
    rows = (part for url in folder.parts() for part in read_row_groups(url, ["license", "source"]))
    return "\n".join(
        [
            _front_matter(manifest),
            *_about(manifest, metadata),
            *table("Rows", ("stage", "rows in", "rows out", "dropped for"), _funnel(manifests)),
            *of_licences_and_sources(*counted(rows)),
            *_shapes(folder, metadata),
            how_to_use(PART_PATTERN, metadata),
        ]
    )


def _front_matter(manifest: Manifest) -> str:
    # `datasets` keeps a copy of the rows under the name of the folder and a hash of these settings.
    # Without the digest among them it would give the rows of any other run's folder of that name.
    config = {"config_name": "default", "data_files": PART_PATTERN, "description": manifest.digest}
    values = {"configs": [config], "license": "other", "license_name": "of-each-image"}
    return front_matter(values, manifest.rows_out)


def _about(manifest: Manifest, metadata: ShardMetadata) -> list[str]:
    return [
        "# Image-caption pairs as tokens",
        "",
        f"{manifest.rows_kept:,} pairs in {manifest.num_shards:,} Parquet files, "
        f"{_rows(metadata)}. `image_tokens` are",
        "the codes of the part of the image that `crop` says; `caption` is normalised text. "
        "The images themselves are not here; `url` says where they were found.",
        "",
        *about_tokens(metadata),
        f"- content: `{manifest.digest}`, the SHA-256 over the names and SHA-256 of all files",
        "",
    ]


def _rows(metadata: ShardMetadata) -> str:
    if len(metadata.views) == 1:
        return "one row each, sorted by `key`"
    return "a row of each view, sorted by `key` and `view`"


def _funnel(manifests: Sequence[Manifest]) -> list[tuple[str, ...]]:
    """A line for each stage on rows, the most frequent reasons first."""
    return [
        (one.stage, f"{one.rows_in:,}", _out(one), _reasons(one.rejected))
        for one in manifests
        if one.num_shards
    ]


def _out(manifest: Manifest) -> str:
    of = f" of {manifest.rows_kept:,}" if manifest.rows_added else ""
    return f"{manifest.rows_out:,}{of}"


def _reasons(rejected: Mapping[str, int]) -> str:
    ordered = sorted(rejected.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count:,}" for name, count in ordered)


def _shapes(folder: StageFolder, metadata: ShardMetadata) -> list[str]:
    """How many rows have each token shape; nothing where all have one."""
    if metadata.token_shape is not None:
        return []
    tables = (part for url in folder.parts() for part in read_row_groups(url, ["token_shape"]))
    lines = [(" x ".join(map(str, shape)), f"{rows:,}") for shape, rows in shape_counts(tables)]
    return table("Token shapes", ("rows x columns", "rows"), lines)
