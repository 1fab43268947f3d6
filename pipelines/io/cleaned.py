"""The mark of a stage whose rows were freed: its shards of rows kept are gone, and not missing.

Its manifest, its rejections and its timings stay, so that it counts as finished. The mark is there
before the first shard goes, and goes when the shards are back. Where something needs the rows, the
mark names it, and the stage is one to be made again.
"""

from dataclasses import asdict, dataclass

from dalle_model import files
from pipelines.io.layout import StageFolder


@dataclass(frozen=True)
class Cleaned:
    """That the rows of a stage were freed.

    Args:
        num_bytes: that were freed.
        num_files: the same in files.
        wanted_by: what needs the rows now, by name; empty where nothing does.
        holds_images: whether there were bytes of images among them, which others read there.
    """

    num_bytes: int
    num_files: int
    wanted_by: str = ""
    holds_images: bool = True


def read_mark(folder: StageFolder) -> Cleaned | None:
    """The mark of a stage; None where it has none, so that what is missing is missing.

    One that is damaged is a mark of nothing known: it stands for the rows being gone.
    """
    try:
        return Cleaned(**files.read_json(folder.cleaned))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError):
        return Cleaned(0, 0)


def write_mark(folder: StageFolder, mark: Cleaned) -> None:
    """Say that the rows of a stage are freed, or who wants them back."""
    files.write_json(folder.cleaned, asdict(mark))


def is_freed(folder: StageFolder) -> bool:
    """Whether the rows of a stage were freed."""
    return read_mark(folder) is not None


def remedy(*stages: str) -> str:
    """What brings the rows of stages back that were freed, for a person."""
    command = f"`dalle run {' '.join(stages)}`"
    return f"the rows of {', '.join(stages)} were freed; {command} brings them back"
