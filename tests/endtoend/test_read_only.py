"""A finished run where nothing can be written: each command that only reads works as before."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.commands import DALLE, checksums

pytestmark = pytest.mark.slow
MOUNT = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'


def read_only(root: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command with a folder mounted read-only, for it alone."""
    namespace = ["unshare", "--map-root-user", "--mount", "sh", "-c", MOUNT, str(root)]
    return subprocess.run(
        [*namespace, DALLE, *map(str, arguments)], capture_output=True, text=True, timeout=280
    )


def test_a_finished_run_has_nothing_to_do(config, undisturbed, expected, tmp_path):
    result = read_only(undisturbed, "run", "--config", config, "--dir", undisturbed)
    assert (result.returncode, result.stderr.count("nothing to do")) == (0, 6), result.stderr
    assert checksums(undisturbed) == expected


def test_it_is_verified_explained_and_drawn(undisturbed, tmp_path):
    grid = ["grid", "-n", 2, "--dir", undisturbed, "--out", tmp_path / "grid.png"]
    for arguments in (
        ["verify", "--dir", undisturbed],
        ["explain", "a red apple on the table", "--dir", undisturbed],
        grid,
    ):
        result = read_only(undisturbed, *arguments)
        assert result.returncode == 0, result.stderr
    assert (tmp_path / "grid.png").stat().st_size > 0


def test_an_unfinished_one_says_that_nothing_can_be_written(config, undisturbed, tmp_path):
    root = Path(shutil.copytree(undisturbed, tmp_path / "copy"))
    (root / "encode" / "manifest.json").unlink()
    for command in (["run", "--config", config], ["report"]):
        result = read_only(root, *command, "--dir", root)
        assert result.returncode == 1
        message = result.stderr[result.stderr.index("dalle: ") :]
        assert message.count("\n") == 1
        assert "the disk is read-only here; choose another --dir" in message
