"""The card of an exported folder for the Hub: which files are the data, and what they hold."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa

from dalle_model.shard_schema import ShardMetadata
from orchestration.engine.sizes import size_text
from pipelines.io.hub_card import about_tokens, front_matter, how_to_use, of_licences_and_sources
from pipelines.io.manifest_groups import digest_of

PATTERN = "data/train-*.parquet"
TITLE = "Image-caption pairs as tokens"


class HeldFile(NamedTuple):
    """A file of the folder.

    Args:
        path: from the folder.
        sha256: in hexadecimal.
        num_bytes: of it.
    """

    path: str
    sha256: str
    num_bytes: int


@dataclass(frozen=True)
class HubFolder:
    """What is in an exported folder.

    Args:
        metadata: what the tokens mean.
        schema: the columns.
        rows: of all files.
        files: of the data.
        counts: rows by licence, and by source.
    """

    metadata: ShardMetadata
    schema: pa.Schema
    rows: int
    files: Sequence[HeldFile]
    counts: tuple[Counter[str], Counter[str]]

    @property
    def digest(self) -> str:
        """Of all files."""
        return digest_of([[held.path, held.sha256] for held in self.files])

    @property
    def states_licences(self) -> bool:
        """Whether a row has a licence."""
        return any(self.counts[0].keys() - {""})

    @property
    def description(self) -> str:
        """The data in a sentence or two."""
        return (
            f"{self.rows:,} pairs of a caption and the tokens of an image: {self.metadata.words}, "
            f"by the codec {self.metadata.codec}. The images themselves are not here."
        )


def hub_card(folder: HubFolder) -> str:
    """The card as Markdown with its front matter."""
    values = {"configs": [_config(folder)], "dataset_info": _info(folder), **_license(folder)}
    lines = [
        front_matter(values, folder.rows),
        f"# {TITLE}",
        "",
        f"{folder.rows:,} rows in {len(folder.files):,} Parquet files. `image_tokens` are the",
        "codes of the part of an image that `crop` says, and `caption` is the text that goes with",
        "it. The images themselves are not here; `url` says where they were found.",
        "",
        *about_tokens(folder.metadata),
        f"- content: `{folder.digest}`, the SHA-256 over the names and SHA-256 of all files",
        f"- size: {size_text(sum(held.num_bytes for held in folder.files))}",
        f"- licence: {_licence_words(folder)}",
        "",
        *of_licences_and_sources(*folder.counts),
        how_to_use(PATTERN, folder.metadata),
    ]
    return "\n".join(lines)


def features(schema: pa.Schema) -> list[dict[str, Any]]:
    """Columns as the front matter has them.

    Source: huggingface/datasets 5.2.0 `features/features.py`, `Features._to_yaml_list`.
    """
    return [{"name": field.name, **_feature(field.type)} for field in schema]


def _config(folder: HubFolder) -> dict[str, Any]:
    # `datasets` keeps a copy of the rows under the folder's last name and a hash of these settings:
    # without the digest it would give the rows of any other folder of that name.
    splits = [{"split": "train", "path": PATTERN}]
    return {"config_name": "default", "data_files": splits, "description": folder.digest}


def _info(folder: HubFolder) -> dict[str, Any]:
    num_bytes = sum(held.num_bytes for held in folder.files)
    split = {"name": "train", "num_bytes": num_bytes, "num_examples": folder.rows}
    return {
        "config_name": "default",
        "features": features(folder.schema),
        "splits": [split],
        "download_size": num_bytes,
        "dataset_size": num_bytes,
    }


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        found = {"list": _dtype(kind.value_type)}
        return found | ({"length": kind.list_size} if pa.types.is_fixed_size_list(kind) else {})
    return {"dtype": _dtype(kind)}


def _dtype(kind: pa.DataType) -> str:
    names = {"halffloat": "float16", "float": "float32", "double": "float64"}
    return names.get(str(kind), str(kind))


def _license(folder: HubFolder) -> dict[str, str]:
    # Source: the Hub's list of licences, which has `unknown`, and `other` for one with a name.
    if folder.states_licences:
        return {"license": "other", "license_name": "of-each-image"}
    return {"license": "unknown"}


def _licence_words(folder: HubFolder) -> str:
    if folder.states_licences:
        return "that of each image, in the column `license`, as its page states it"
    return "unknown; no row states one"
