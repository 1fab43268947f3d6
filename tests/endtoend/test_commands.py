"""The commands on a finished run."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.support.commands import DATA_STAGES, dalle

pytestmark = pytest.mark.slow


def rows_of(folder: Path) -> list[dict[str, Any]]:
    tables = [pq.read_table(path) for path in sorted(folder.glob("part-*.parquet"))]
    return pa.concat_tables(tables).to_pylist()


def test_verify_prints_one_checksum(undisturbed):
    lines = dalle("verify", "--dir", undisturbed).stdout.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == sorted(DATA_STAGES)
    assert re.fullmatch(r"sha256 +[0-9a-f]{64}", lines[-1])


def test_explain_follows_a_row_to_its_tokens(undisturbed):
    rows = rows_of(undisturbed / "encode")
    told = dalle("explain", rows[0]["key"], "--dir", undisturbed).stdout
    assert [line.split()[0] for line in told.splitlines() if " kept" in line] == list(DATA_STAGES)
    assert "threshold" in told
    assert rows[0]["key"] in dalle("explain", rows[0]["url"], "--dir", undisturbed).stdout


@pytest.mark.parametrize("stage", ["crawl", "captions", "fetch", "images"])
def test_explain_says_why_a_row_was_dropped(undisturbed, stage):
    row = rows_of(undisturbed / stage / "rejected")[0]
    told = dalle("explain", row["key"], "--dir", undisturbed).stdout
    assert f"{stage:<10} DROPPED" in told
    assert f"FAIL {row['reason']}" in told


def test_grid_decodes_the_shards(undisturbed, tmp_path):
    dalle("grid", "-n", 4, "--dir", undisturbed, "--out", tmp_path / "grid.png")
    with Image.open(tmp_path / "grid.png") as picture:
        assert picture.size[1] > 4 * 64
        assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 1000
