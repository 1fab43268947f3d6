import numpy as np
import pyarrow.parquet as pq
from typer.testing import CliRunner

from orchestration.cli.main import app
from tests.support.recipes.metadata import metadata


def test_the_command_writes_a_list_with_its_settings(tmp_path):
    pq.write_table(metadata(50, ["dog"]), tmp_path / "t.parquet")
    arguments = ["keep", str(tmp_path), "--out", str(tmp_path / "u.npy")]
    chosen = ["--recipe", "datacomp_clip", "--set", "arch=b32", "--set", "threshold=0.28"]
    done = CliRunner().invoke(app, [*arguments, *chosen])
    assert done.exit_code == 0
    assert f"{len(np.load(tmp_path / 'u.npy'))} of 50 rows" in done.output


def test_a_setting_without_a_value_is_refused(tmp_path):
    done = CliRunner().invoke(app, ["keep", str(tmp_path), "--out", "u.npy", "--set", "t"])
    assert "give a setting and its value" in str(done.exception)
