"""What is known of a removal before it changes anything, so that another command can finish it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from dalle_model import files
from orchestration.engine.plan import RunError
from orchestration.removal.finding import Hits
from pipelines.io.cleaned import Cleaned
from pipelines.io.layout import RunFolder
from pipelines.io.refusals import Named, Refusals


@dataclass(frozen=True)
class StageWork:
    """What is done to one stage.

    Args:
        hits: the rows that go.
        manifest: SHA-256 of its manifest before.
        current: its fingerprint, where it was up to date; else empty.
        freed: the mark of one whose rows were freed.
        is_first: whether it reads no other stage: there rows that are gone still count.
        is_dropped: whether its result goes as a whole: a table of one that writes no shards.
    """

    hits: Hits = field(default_factory=Hits)
    manifest: str = ""
    current: str = ""
    freed: Cleaned | None = None
    is_first: bool = False
    is_dropped: bool = False


@dataclass(frozen=True)
class Work:
    """A removal.

    Args:
        number: of its receipt.
        date: as given; empty for none.
        asked: entries of the lists, by kind.
        digests: that were asked for.
        also_refused: further ones that are refused from now on.
        named: the rows.
        stages: by name, in the order of the run.
        gone: URLs of files and folders that hold such rows and go as a whole.
        unfinished: stages with work that is not finished, which goes: it may hold such rows.
        has_report: whether the report is built again.
    """

    number: int
    date: str
    asked: Mapping[str, int]
    digests: frozenset[str]
    also_refused: frozenset[str]
    named: Named
    stages: Mapping[str, StageWork]
    gone: tuple[str, ...]
    unfinished: tuple[str, ...]
    has_report: bool

    @property
    def rows(self) -> int:
        """Rows that go, of all stages together."""
        return sum(stage.hits.rows for stage in self.stages.values())

    @property
    def refusals(self) -> Refusals:
        """What is refused from now on."""
        return Refusals(self.digests | self.also_refused)


def write_work(run: RunFolder, work: Work) -> None:
    """Note a removal, before anything else of it is done."""
    files.write_json(run.removal, _plain(asdict(work)))


def read_work(run: RunFolder) -> Work | None:
    """The removal under way; None where there is none.

    Raises:
        RunError: what is noted of it is damaged.
    """
    try:
        values = files.read_json(run.removal)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise _damaged(run) from error
    try:
        return _work(values)
    except (TypeError, KeyError, AttributeError) as error:
        raise _damaged(run) from error


def _work(values: dict[str, Any]) -> Work:
    stages = {name: _stage(stage) for name, stage in values.pop("stages")}
    named = Named(*(frozenset(values["named"][name]) for name in ("keys", "images")))
    sets = {name: frozenset(values[name]) for name in ("digests", "also_refused")}
    lists = {name: tuple(values[name]) for name in ("gone", "unfinished")}
    return Work(**{**values, **sets, **lists, "named": named, "stages": stages})


def _stage(values: dict[str, Any]) -> StageWork:
    hits = values["hits"]
    hits = Hits(**hits, pages=set())
    freed = Cleaned(**values["freed"]) if values["freed"] else None
    return StageWork(**{**values, "hits": hits, "freed": freed})


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """As JSON, in which stages keep their order, and without pages: their files are known."""
    stages = []
    for name, stage in values["stages"].items():
        del stage["hits"]["pages"]
        stages.append([name, stage])
    named = {name: sorted(found) for name, found in values["named"].items()}
    sets = {name: sorted(values[name]) for name in ("digests", "also_refused")}
    return {**values, **sets, "named": named, "stages": stages}


def _damaged(run: RunFolder) -> RunError:
    return RunError(
        f"{run.removal} is damaged: delete it, and give the same `dalle remove` once more"
    )
