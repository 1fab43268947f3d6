"""What the codes of an exported set mean, in a file beside it: no other program's format says it.

It is written last, so that a folder which has it is whole, and read when the tokens are imported.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from dalle_model import files
from dalle_model.errors import DalleError
from dalle_model.shard_schema import (
    COLUMNS,
    METADATA_KEY,
    ShardMetadata,
    parse_metadata,
    token_schema,
)

FACTS_FILE = "_dalle-tokens.json"  # readers of tables pass over what begins so


class FactsError(DalleError):
    """The file that says what exported codes mean is damaged: which one, and what to do."""


@dataclass(frozen=True)
class SetFacts:
    """What the codes of an exported set mean.

    Args:
        format: in which they are.
        metadata: as of a token shard.
        added: columns beyond those of every token set, such as scores.
        rows: of the set.
        samples: that they are in the format.
    """

    format: str
    metadata: ShardMetadata
    added: tuple[pa.Field, ...]
    rows: int
    samples: int


def write_facts(folder: str, facts: SetFacts) -> None:
    """Write the file; equal facts are equal bytes."""
    footer = token_schema(replace(facts.metadata, joined={})).metadata[METADATA_KEY]
    document = {
        "format": facts.format,
        "rows": facts.rows,
        "samples": facts.samples,
        "added": {field.name: str(field.type) for field in facts.added},
        "tokens": json.loads(footer),
    }
    files.write_json(files.join(folder, FACTS_FILE), document)


def read_facts(folder: str) -> SetFacts | None:
    """Read the file of a folder; None where it has none.

    Raises:
        FactsError: it is damaged.
    """
    url = files.join(folder, FACTS_FILE)
    if not files.exists(url):
        return None
    try:
        document = files.read_json(url)
        metadata = parse_metadata(json.dumps(document["tokens"]).encode())
        added = _fields(document["added"])
        return SetFacts(
            str(document["format"]),
            metadata,
            added,
            int(document["rows"]),
            int(document["samples"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, pa.ArrowException) as error:
        raise FactsError(
            f"{url} cannot be read: {error}; take it from a copy, or delete it and say with "
            "--codec, or with --num-codes and --token-shape, what the codes are"
        ) from error


def added_of(columns: Iterable[pa.Field]) -> tuple[pa.Field, ...]:
    """The columns that not every token set has, without lists, as those of tokens are."""
    return tuple(
        field.with_metadata(None)
        for field in columns
        if field.name not in COLUMNS and not _is_list(field.type)
    )


def _fields(types: dict[str, Any]) -> tuple[pa.Field, ...]:
    return tuple(pa.field(name, pa.type_for_alias(alias)) for name, alias in types.items())


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind))
