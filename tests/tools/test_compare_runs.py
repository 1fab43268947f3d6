from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from safetensors.numpy import save_file

from dalle_model import files
from pipelines.io.layout import RunFolder
from pipelines.io.parquet import to_bytes
from tools.compare_runs import compare

ROWS = pa.table({"key": ["a", "b"], "score": [0.5, 1.5]})


def write(root: Path, rows: pa.Table, weights: float = 1.0, about: str = "") -> Path:
    folder = RunFolder(str(root), 1).stage("images")
    content = rows.replace_schema_metadata({"fingerprint": about})
    files.write_bytes(folder.part(0), to_bytes(content))
    files.write_json(folder.manifest, {"fingerprint": about})
    save_file({"weights": np.full(3, weights)}, root / "codec.safetensors", {"about": about})
    return root


def test_equal_rows_are_equal_whatever_the_fingerprints(tmp_path):
    one, other = write(tmp_path / "1", ROWS, about="x"), write(tmp_path / "2", ROWS, about="yy")
    assert compare(one, other) == []


@pytest.mark.parametrize(
    ("rows", "difference"),
    [
        (ROWS.slice(1), "2 rows and 1"),
        (ROWS.rename_columns(["key", "mark"]), "other columns"),
        (ROWS.set_column(1, "score", pa.array([0.5, 2.5])), "other values in score"),
        (ROWS.set_column(1, "score", pa.array([0.5, 1.5], pa.float32())), "other columns"),
        (ROWS.take([1, 0]), "other values in key, score"),
    ],
)
def test_what_differs_is_named(tmp_path, rows, difference):
    found = compare(write(tmp_path / "1", ROWS), write(tmp_path / "2", rows))
    assert len(found) == 1
    assert found[0].startswith("images/part-00000-of-00001.parquet: ")
    assert difference in found[0]


def test_other_weights_and_missing_files_are_named(tmp_path):
    one, other = write(tmp_path / "1", ROWS), write(tmp_path / "2", ROWS, weights=2.0)
    assert compare(one, other) == ["codec.safetensors: other bytes"]
    (other / "codec.safetensors").unlink()
    assert compare(one, other) == [f"codec.safetensors: only in {one}/codec.safetensors"]
