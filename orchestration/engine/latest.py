"""The run that a command means where no directory is given."""

from pathlib import Path

from orchestration.engine.config import NoRunError
from pipelines.io.layout import RunFolder

RUNS = "runs"  # the folder of run directories that have only the name of their config


def default_directory(name: str) -> str:
    """The directory of a run that is made without `--dir`, by the name in its config."""
    return f"{RUNS}/{name}"


def latest_run() -> str:
    """The directory below `runs` in which a command was last at work.

    Raises:
        NoRunError: there is none.
    """
    runs = [path for path in Path(RUNS).glob("*") if Path(RunFolder(str(path)).config).is_file()]
    if not runs:
        raise NoRunError(
            f"no run below `{RUNS}` here; name one with --dir, or `dalle run` makes one"
        )
    return str(max(runs, key=_last_change))


def _last_change(root: Path) -> tuple[int, str]:
    """When a file was last made in a run: every run ends with a new report."""
    report = Path(RunFolder(str(root)).report)
    paths = [path for path in (root, *root.iterdir(), report) if path.exists()]
    return max(path.stat().st_mtime_ns for path in paths), root.name
