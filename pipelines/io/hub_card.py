"""What cards of token sets have in common: the Hub's words, tables, and how rows are loaded."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import yaml

from dalle_model.shard_schema import ShardMetadata
from dalle_model.token_shape import token_dtype

NAMED = 20  # licences and sources in a table; chosen: what one reads
MAX_NAME = 80  # characters of each, which may be any text of a page; chosen: a line
_TAGS = ("dalle", "image-tokens", "vector-quantization")
# Source: the Hub's metadata of data sets, `size_categories`
_SIZES = {
    10**3: "n<1K",
    10**4: "1K<n<10K",
    10**5: "10K<n<100K",
    10**6: "100K<n<1M",
    10**7: "1M<n<10M",
    10**8: "10M<n<100M",
    10**9: "100M<n<1B",
    10**10: "1B<n<10B",
    10**11: "10B<n<100B",
    10**12: "100B<n<1T",
}
_UNTIDY = re.compile(r"[\s|`<>\\]+")  # what would end a cell or a span of code, or be markup

_USE = """\
## Load it

```python
import datasets

rows = datasets.load_dataset("FOLDER", split="train")  # this folder, or the name of its repository
```

```python
import glob

import pyarrow.dataset

rows = pyarrow.dataset.dataset(sorted(glob.glob("FOLDER/{pattern}"))).to_table()
```

In training, each rank reads its own shards, and goes on where it was. `datasets` shuffles the
shards and a buffer of rows; after a restart, what was in the buffer is left out of that epoch.

```python
import datasets
from datasets.distributed import split_dataset_by_node
from torch.utils.data import DataLoader

rows = datasets.load_dataset("FOLDER", split="train", streaming=True)
rows = rows.select_columns(["caption", "image_tokens"]).shuffle(seed=0, buffer_size=10_000)
rows = split_dataset_by_node(rows, rank=0, world_size=1).with_format("torch")
# to go on from a checkpoint: rows.load_state_dict(saved["data"])
for batch in DataLoader(rows, batch_size=32):
    tokens = batch["image_tokens"].long()  # {tokens}
    ...  # a step; with the weights is saved {{"data": rows.state_dict()}}
```

## Removal

The rows hold captions and tokens of images, and the addresses where both were found. Whoever wants
one removed names its `url`, its `page_url` or its `key` to those who publish this folder: on the
Hub in a discussion of the repository. They give it to `dalle remove`, which drops the rows with it
from all stages of the run and refuses them from then on, and publish the folder again.
"""


def front_matter(values: Mapping[str, Any], rows: int) -> str:
    """The YAML that the Hub and `datasets` read first, with what is the same for all token sets."""
    common = {
        "task_categories": ["text-to-image"],
        "tags": list(_TAGS),
        "size_categories": [size_category(rows)],
    }
    return f"---\n{yaml.safe_dump({**values, **common}, sort_keys=False)}---\n"


def size_category(rows: int) -> str:
    """The Hub's word for a number of rows."""
    return next((name for limit, name in _SIZES.items() if rows < limit), "n>1T")


def how_to_use(pattern: str, metadata: ShardMetadata) -> str:
    """How the rows are loaded, and how someone asks for removal.

    Args:
        pattern: of the paths of the Parquet files in the folder.
        metadata: of their tokens.
    """
    return _USE.format(pattern=pattern, tokens=_tokens(metadata))


def _tokens(metadata: ShardMetadata) -> str:
    """What a batch of tokens is."""
    if metadata.token_shape is None:
        return "where the rows of a batch have one `token_shape`"
    dtype = token_dtype(metadata.num_codes)
    length = metadata.num_tokens * metadata.codebooks
    return f"(32, {length}): an embedding takes no {dtype}"


def about_tokens(metadata: ShardMetadata) -> list[str]:
    """Lines that say what the tokens are."""
    return [
        f"- codec: `{tidy(metadata.codec)}`, SHA-256 of its weights `{metadata.codec_sha256}`",
        f"- tokens: {metadata.words}",
        *([f"- views: {_named(metadata.views)}"] if metadata.views else []),
    ]


def _named(views: Sequence[str]) -> str:
    """The names of views with their numbers in the column `view`, those of one name together."""
    places: dict[str, list[str]] = {}
    for number, name in enumerate(views):
        places.setdefault(tidy(name), []).append(str(number))
    return ", ".join(f"`{name}` ({', '.join(numbers)})" for name, numbers in places.items())


def counted(tables: Iterable[pa.Table]) -> tuple[Counter[str], Counter[str]]:
    """How many rows have each licence, and how many are from each source.

    Args:
        tables: with the columns `license` and `source`.
    """
    found = Counter[str](), Counter[str]()
    for part in tables:
        for counts, name in zip(found, ("license", "source"), strict=True):
            for pair in part[name].value_counts().to_pylist():
                counts[pair["values"]] += pair["counts"]
    return found


def of_licences_and_sources(licences: Counter[str], sources: Counter[str]) -> list[str]:
    """The most frequent ones as tables."""
    return [
        *table("Licences", ("as stated", "rows"), _most(licences, "not stated")),
        *table("Sources", ("source", "rows"), _most(sources, "without a name")),
    ]


def _most(counts: Counter[str], unnamed: str) -> list[tuple[str, ...]]:
    """The most frequent names with their rows, and in one line what is left."""
    shown = Counter[str]()
    for name, count in counts.items():
        shown[tidy(name)] += count
    ordered = sorted(shown.items(), key=lambda item: (-item[1], item[0]))
    lines = [(f"`{name}`" if name else unnamed, f"{count:,}") for name, count in ordered[:NAMED]]
    others = ordered[NAMED:]
    if others:
        lines.append((f"{len(others):,} more", f"{sum(count for _, count in others):,}"))
    return list(lines)


def table(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """A section with a table."""
    cells = [head, ("---",) * len(head), *rows]
    return [f"## {title}", "", *(f"| {' | '.join(row)} |" for row in cells), ""]


def tidy(name: str) -> str:
    """A name in one line without markup or what cannot be seen; a page may have stated anything."""
    seen = "".join(c if c.isprintable() else " " for c in name)
    tidy = _UNTIDY.sub(" ", seen).strip()
    return tidy if len(tidy) <= MAX_NAME else f"{tidy[:MAX_NAME]}…"
