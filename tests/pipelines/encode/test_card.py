"""The card says which files are the data: `datasets` believes it, beside files that are none."""

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from pipelines.encode.card import card
from pipelines.io import parquet
from pipelines.io.hub_card import MAX_NAME, NAMED
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest
from pipelines.rejection import REJECTION_SCHEMA
from tests.support.token_shards import token_row, write_token_shard

NUM_SHARDS, ROWS = 2, 5


def manifest(stage: str = "encode", **values) -> Manifest:
    return Manifest(stage, "f", {}, {}, {}, **{"num_shards": NUM_SHARDS, **values})


def folder_of(root: Path, **changes) -> StageFolder:
    """Shards of ten rows beside all else that such a folder may hold."""
    folder = StageFolder(str(root / "encode"), NUM_SHARDS)
    for index in range(NUM_SHARDS):
        rows = [
            token_row(f"{index}{n:039x}", "a barn", [n] * 9)
            | {"license": "CC0", "source": "mine"}
            | changes
            for n in range(ROWS)
        ]
        write_token_shard(Path(folder.part(index)), rows)
        dropped = parquet.to_bytes(REJECTION_SCHEMA.empty_table())
        for place in (folder.rejected(index), folder.note(index, "kind", "attempt")):
            Path(place).parent.mkdir(parents=True, exist_ok=True)
            Path(place).write_bytes(dropped)
        next_part = Path(folder.next.part(index))
        next_part.parent.mkdir(exist_ok=True)
        next_part.write_bytes(b"half a shard")
    Path(folder.manifest).write_text("{}")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("is_streaming", [False, True])
def test_datasets_loads_the_folder_as_it_stands(tmp_path, monkeypatch, is_streaming):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr("datasets.config.HF_DATASETS_OFFLINE", True)
    folder = folder_of(tmp_path)
    Path(folder.card).write_text(card(folder, [manifest(rows_out=NUM_SHARDS * ROWS)]))
    rows = datasets.load_dataset(
        folder.url, split="train", streaming=is_streaming, cache_dir=str(tmp_path / "cache")
    )
    keys = [row["key"] for row in rows]
    assert len(keys) == NUM_SHARDS * ROWS
    assert keys == sorted(keys)


@pytest.mark.slow
def test_the_copy_that_datasets_keeps_is_never_that_of_another_run(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr("datasets.config.HF_DATASETS_OFFLINE", True)
    for name, rows in (("one", 1), ("other", 2)):
        folder = folder_of(tmp_path / name)
        digest = [{"name": "part", "bytes": rows, "sha256": name}]
        Path(folder.card).write_text(card(folder, [manifest(rows_out=rows, files=digest)]))
        table = pa.table({"row": list(range(rows))})
        for part in Path(folder.url).glob("part-*"):
            pq.write_table(table, part)
        found = datasets.load_dataset(folder.url, split="train", cache_dir=str(tmp_path / "cache"))
        assert len(found) == rows * NUM_SHARDS


@pytest.mark.slow
def test_the_loop_of_the_card_runs_on_each_rank_and_goes_on(tmp_path, monkeypatch):
    pytest.importorskip("datasets")
    monkeypatch.setattr("datasets.config.HF_DATASETS_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))
    folder = folder_of(tmp_path)
    text = card(folder, [manifest(rows_out=NUM_SHARDS * ROWS)])
    Path(folder.card).write_text(text)
    loop = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[-1]
    changes = {
        "FOLDER": folder.url,
        "world_size=1": f"world_size={NUM_SHARDS}",
        "buffer_size=10_000": "buffer_size=1",
        "batch_size=32": "batch_size=2",
        "...": "seen += tokens.tolist(); states.append(rows.state_dict())",
    }
    for old, new in changes.items():
        loop = loop.replace(old, new)
    whole: dict[str, Any] = {"seen": [], "states": []}
    rest: dict[str, Any] = {"seen": [], "states": [], "saved": {}}
    exec(loop, whole)
    assert len(whole["seen"]) == ROWS
    assert all(len(tokens) == 9 for tokens in whole["seen"])
    rest["saved"]["data"] = whole["states"][0]
    exec(loop.replace("# to go on from a checkpoint: ", ""), rest)
    assert rest["seen"]
    assert all(tokens in whole["seen"][2:] for tokens in rest["seen"])


def test_the_front_matter_names_the_data_and_their_number(tmp_path):
    made = manifest(rows_out=10)
    values = yaml.safe_load(card(folder_of(tmp_path), [made]).split("---\n")[1])
    (config,) = values["configs"]
    assert config.pop("description") == made.digest
    assert config == {"config_name": "default", "data_files": "part-*.parquet"}
    assert values["size_categories"] == ["n<1K"]


def test_it_has_the_books_of_all_stages_the_codec_the_licences_and_the_sources(tmp_path):
    before = manifest("filter", rows_in=13, rows_out=11, rejected={"few": 1, "many": 1})
    model = manifest("codec", num_shards=0)
    text = card(folder_of(tmp_path), [before, model, manifest(rows_in=11, rows_out=10)])
    assert "| filter | 13 | 11 | few 1, many 1 |" in text
    assert "| codec |" not in text
    assert "| `CC0` | 10 |" in text
    assert "| `mine` | 10 |" in text
    assert "images of 24 x 24 px to 3 x 3 tokens in raster order, each of 16 codes" in text
    assert "ab" * 32 in text


def test_views_are_told_with_their_numbers_and_pairs_are_counted_once(tmp_path):
    folder = folder_of(tmp_path)
    assert "10 pairs in 2 Parquet files, one row each" in card(folder, [manifest(rows_out=10)])
    views = ("prior", "flip", "prior")
    for url in folder.parts():
        rows = [token_row(f"{n:040x}", "a barn", [n] * 9) | {"view": 1} for n in range(ROWS)]
        write_token_shard(Path(url), rows, views=views)
    text = card(folder, [manifest(rows_in=5, rows_out=10, rows_added=5)])
    assert "5 pairs in 2 Parquet files, a row of each view" in text
    assert "- views: `prior` (0, 2), `flip` (1)" in text
    assert "| encode | 5 | 10 of 5 |" in text


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        (
            {"token_shape": (256,), "order": "sequence", "codebooks": 4, "num_codes": 1 << 18},
            (
                "to 256 tokens in one sequence, each 4 of 262,144 codes",
                "# (32, 1024): an",
                "uint32",
            ),
        ),
        (
            {"token_shape": (16, 8), "image_shape": (128, 64)},
            ("images of 128 x 64 px to 16 x 8 tokens in raster order", "# (32, 128): an", "uint16"),
        ),
        (
            {"token_shape": None, "image_shape": None},
            ("- tokens: images to tokens of any shape", "# where the rows of a batch", "one `tok"),
        ),
    ],
)
def test_it_tells_shape_order_and_codebooks_of_the_tokens(tmp_path, changes, lines):
    folder = StageFolder(str(tmp_path), 1)
    write_token_shard(Path(folder.part(0)), [], **changes)
    text = card(folder, [manifest(num_shards=1)])
    assert [line for line in lines if line not in text] == []


def test_it_counts_token_shapes_where_rows_have_their_own(tmp_path):
    folder = StageFolder(str(tmp_path), 1)
    shapes = [[1, 9], [9, 1], [1, 9]]
    rows = [token_row(f"{n:040d}", "", [n] * 9) | {"token_shape": s} for n, s in enumerate(shapes)]
    write_token_shard(Path(folder.part(0)), rows, token_shape=None, image_shape=None)
    text = card(folder, [manifest(num_shards=1)])
    table = (
        "## Token shapes\n\n| rows x columns | rows |\n| --- | --- |\n| 1 x 9 | 2 |\n| 9 x 1 | 1 |"
    )
    assert table in text
    assert "Token shapes" not in card(folder_of(tmp_path / "one"), [manifest(rows_out=10)])


def test_it_says_nothing_of_the_machine_and_is_the_same_each_time(tmp_path):
    folders = [folder_of(tmp_path / name) for name in ("one", "other")]
    one, other = (card(folder, [manifest(rows_out=10)]) for folder in folders)
    assert one == other
    assert str(tmp_path) not in one


def test_names_from_pages_are_neither_markup_nor_long(tmp_path):
    hostile = "a | b\n# c `d` <script> \\" + "x" * 200
    text = card(folder_of(tmp_path, license=hostile), [manifest(rows_out=10)])
    (line,) = (line for line in text.splitlines() if line.startswith("| `a"))
    assert line.count("|") == 3
    assert "<script>" not in text
    assert len(line) < MAX_NAME + 20


def test_names_of_nothing_that_can_be_seen_are_not_stated(tmp_path):
    folder = folder_of(tmp_path)
    licenses = ["|", "\u202e", "", "CC\u202e0", "CC 0"]
    rows = [token_row(f"{n:040x}", "a", [0] * 9) | {"license": x} for n, x in enumerate(licenses)]
    write_token_shard(Path(folder.part(0)), rows)
    text = card(folder, [manifest(rows_out=10)])
    assert "\u202e" not in text
    assert "| not stated | 3 |" in text
    assert "| `CC 0` | 2 |" in text


def test_many_licences_are_added_up(tmp_path):
    folder = folder_of(tmp_path)
    rows = [token_row(f"{n:040x}", "a barn", [0] * 9) | {"license": f"L{n}"} for n in range(30)]
    write_token_shard(Path(folder.part(0)), rows)
    text = card(folder, [manifest(rows_out=35)])
    assert f"| {30 + 1 - NAMED} more | {30 + 1 - NAMED} |" in text


def test_a_run_without_rows_has_a_card(tmp_path):
    folder = StageFolder(str(tmp_path), 1)
    write_token_shard(Path(folder.part(0)), [])
    assert "0 pairs" in card(folder, [manifest(num_shards=1)])


def test_the_schema_of_rejections_is_another_one_than_that_of_the_shards(tmp_path):
    """What makes the card necessary: both lie below one folder."""
    folder = folder_of(tmp_path)
    kept, dropped = (pq.read_schema(f(0)) for f in (folder.part, folder.rejected))
    assert not kept.equals(dropped)
