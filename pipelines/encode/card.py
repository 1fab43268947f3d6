"""The card of a folder of token shards: what the Hub and `datasets` read first, and people too."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import yaml

from dalle_model.shard_schema import ShardMetadata
from dalle_model.shards import read_metadata
from dalle_model.token_shape import token_dtype
from pipelines.encode.shapes import shape_counts
from pipelines.io.layout import PART_PATTERN, StageFolder
from pipelines.io.manifest import Manifest
from pipelines.io.parquet import read_row_groups

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
Hub in a discussion of the repository. They drop the rows with that `url` or `page_url`, and put the
address on a block-list of the run, so that it does not come back.
"""


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
    licenses, sources = _counted(folder)
    return "\n".join(
        [
            _front_matter(manifest),
            *_about(manifest, metadata),
            *_table("Rows", ("stage", "rows in", "rows out", "dropped for"), _funnel(manifests)),
            *_table("Licences", ("as stated", "rows"), _most(licenses, "not stated")),
            *_table("Sources", ("source", "rows"), _most(sources, "without a name")),
            *_shapes(folder, metadata),
            _USE.format(pattern=PART_PATTERN, tokens=_tokens(metadata)),
        ]
    )


def _front_matter(manifest: Manifest) -> str:
    # `datasets` keeps a copy of the rows under the name of the folder and a hash of these settings.
    # Without the digest among them it would give the rows of any other run's folder of that name.
    config = {"config_name": "default", "data_files": PART_PATTERN, "description": manifest.digest}
    values = {
        "configs": [config],
        "license": "other",
        "license_name": "of-each-image",
        "task_categories": ["text-to-image"],
        "tags": list(_TAGS),
        "size_categories": [size_category(manifest.rows_out)],
    }
    return f"---\n{yaml.safe_dump(values, sort_keys=False)}---\n"


def size_category(rows: int) -> str:
    """The Hub's word for a number of rows."""
    return next((name for limit, name in _SIZES.items() if rows < limit), "n>1T")


def _tokens(metadata: ShardMetadata) -> str:
    """What a batch of tokens is."""
    if metadata.token_shape is None:
        return "where the rows of a batch have one `token_shape`"
    dtype = token_dtype(metadata.num_codes)
    length = metadata.num_tokens * metadata.codebooks
    return f"(32, {length}): an embedding takes no {dtype}"


def _about(manifest: Manifest, metadata: ShardMetadata) -> list[str]:
    return [
        "# Image-caption pairs as tokens",
        "",
        f"{manifest.rows_kept:,} pairs in {manifest.num_shards:,} Parquet files, "
        f"{_rows(metadata)}. `image_tokens` are",
        "the codes of the part of the image that `crop` says; `caption` is normalised text. "
        "The images themselves are not here; `url` says where they were found.",
        "",
        f"- codec: `{_tidy(metadata.codec)}`, SHA-256 of its weights `{metadata.codec_sha256}`",
        f"- tokens: {metadata.words}",
        *([f"- views: {_named(metadata.views)}"] if metadata.views else []),
        f"- content: `{manifest.digest}`, the SHA-256 over the names and SHA-256 of all files",
        "",
    ]


def _rows(metadata: ShardMetadata) -> str:
    if len(metadata.views) == 1:
        return "one row each, sorted by `key`"
    return "a row of each view, sorted by `key` and `view`"


def _named(views: Sequence[str]) -> str:
    """The names of views with their numbers in the column `view`, those of one name together."""
    places: dict[str, list[str]] = {}
    for number, name in enumerate(views):
        places.setdefault(_tidy(name), []).append(str(number))
    return ", ".join(f"`{name}` ({', '.join(numbers)})" for name, numbers in places.items())


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


def _most(counts: Counter[str], unnamed: str) -> list[tuple[str, ...]]:
    """The most frequent names with their rows, and in one line what is left."""
    shown = Counter[str]()
    for name, count in counts.items():
        shown[_tidy(name)] += count
    ordered = sorted(shown.items(), key=lambda item: (-item[1], item[0]))
    lines = [(f"`{name}`" if name else unnamed, f"{count:,}") for name, count in ordered[:NAMED]]
    others = ordered[NAMED:]
    if others:
        lines.append((f"{len(others):,} more", f"{sum(count for _, count in others):,}"))
    return list(lines)


def _table(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    cells = [head, ("---",) * len(head), *rows]
    return [f"## {title}", "", *(f"| {' | '.join(row)} |" for row in cells), ""]


def _tidy(name: str) -> str:
    """A name in one line without markup or what cannot be seen; a page may have stated anything."""
    seen = "".join(c if c.isprintable() else " " for c in name)
    tidy = _UNTIDY.sub(" ", seen).strip()
    return tidy if len(tidy) <= MAX_NAME else f"{tidy[:MAX_NAME]}…"


def _shapes(folder: StageFolder, metadata: ShardMetadata) -> list[str]:
    """How many rows have each token shape; nothing where all have one."""
    if metadata.token_shape is not None:
        return []
    tables = (part for url in folder.parts() for part in read_row_groups(url, ["token_shape"]))
    lines = [(" x ".join(map(str, shape)), f"{rows:,}") for shape, rows in shape_counts(tables)]
    return _table("Token shapes", ("rows x columns", "rows"), lines)


def _counted(folder: StageFolder) -> tuple[Counter[str], Counter[str]]:
    """How many rows have each licence, and how many are from each source."""
    found = Counter[str](), Counter[str]()
    for url in folder.parts():
        for table in read_row_groups(url, ["license", "source"]):
            for counts, column in zip(found, table.columns, strict=True):
                for pair in column.value_counts().to_pylist():
                    counts[pair["values"]] += pair["counts"]
    return found
