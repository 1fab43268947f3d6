"""The run directory; its names are spelled nowhere else.

<root>/config.json                                     the settings of the run
<root>/job.json                                        the job that is at work on a runner elsewhere
<root>/<stage>/part-00007-of-00064.parquet             rows kept, sorted by key
<root>/<stage>/rejected/part-00007-of-00064.parquet    rows dropped, sorted, with reasons
<root>/<stage>/progress/00007.json                     shard 7 is finished (gone in the end)
<root>/<stage>/progress/…/part-00007-of-00064.parquet  notes of the work under way (gone too)
<root>/<stage>/manifest.json                           written last: the stage is finished
<root>/<stage>/manifest/00012.json                     of very many shards, the files of 1,000
<root>/<stage>/.next/…                                 the same, of the result to replace this one
<root>/<stage>/timings.json                            seconds and hosts; nothing compares it
<root>/<stage>/cleaned.json                            its rows were freed, and are not missing
<root>/<stage>/README.md                               the card of a data set; nothing reads it
<root>/<stage>/logs/…                                  what is seen of a training; nothing reads it
<root>/crawl/site/…                                    answers to a live crawl, kept as an input
<root>/recipes/<recipe>/…                              a run directory for each recipe compared
<root>/removed/refused.txt                             digests of what was removed, and is refused
<root>/removed/receipt-0001.json                       what one removal has done
<root>/removed/work.json                               the removal under way (gone in the end)
<root>/report/index.html
"""

import re
from dataclasses import dataclass, replace

from dalle_model import files

_PART = "part-"
PART_PATTERN = f"{_PART}*.parquet"  # the shards of rows kept, directly in the folder of a stage
_SHARD = re.compile(rf"{_PART}\d+-of-\d+\.parquet")
_REJECTED = "rejected"
_PROGRESS = "progress"
_MARKER = re.compile(r"\d+\.json")
_MANIFEST = "manifest.json"
_GROUPS = "manifest"
_TIMINGS = "timings.json"
_CLEANED = "cleaned.json"
_CARD = "README.md"
_SITE = "site"
_LOGS = "logs"
_NEXT = ".next"  # hidden: no pattern such as `**/*.parquet` meets half a result
_REPLACED = "replaced.json"
_SPILLED = f"{files.TEMPORARY_PREFIX}images"  # a temporary name: swept when the stage has ended
_CONFIG = "config.json"
_JOB = "job.json"
_RECIPES = "recipes"
_REPORT = ("report", "index.html")
_REMOVED = "removed"
_RECEIPT = "receipt-"


@dataclass(frozen=True)
class StageFolder:
    """The folder of one stage.

    Args:
        url: of the folder.
        num_shards: of the run; 0 where shards are not addressed by number.
        home: URL of the stage's own folder, for that of the result to replace this one.
    """

    url: str
    num_shards: int = 0
    home: str = ""

    @property
    def next(self) -> "StageFolder":
        """The folder of the result that is to replace this one, while it is being made."""
        return replace(self, url=self.file(_NEXT), home=self.url)

    def part(self, index: int) -> str:
        """URL of a shard of rows kept."""
        return self.file(part_name(index, self.num_shards))

    def parts(self) -> list[str]:
        """URLs of all shards, in order."""
        return [self.part(index) for index in range(self.num_shards)]

    def present(self) -> list[str]:
        """URLs of the shards of rows kept that are there, of any number of shards, sorted."""
        return [self.file(name) for name in files.list_names(self.url) if _SHARD.fullmatch(name)]

    def rejected(self, index: int) -> str:
        """URL of a shard of rows dropped."""
        return self.file(rejected_name(index, self.num_shards))

    def marker(self, index: int) -> str:
        """URL of the marker of a finished shard."""
        return files.join(self.progress, f"{index:0{_digits(self.num_shards)}d}.json")

    def markers(self) -> list[str]:
        """URLs of the markers present, of this or of earlier work, in the order of the shards."""
        length = len(f"{0:0{_digits(self.num_shards)}d}.json")
        names = [name for name in files.list_names(self.progress) if len(name) == length]
        return [files.join(self.progress, name) for name in names if _MARKER.fullmatch(name)]

    def note(self, index: int, kind: str, attempt: str) -> str:
        """URL of intermediate results that one attempt stores for its own later steps.

        Another attempt does not find them; they are removed when the stage is finished.
        """
        return files.join(self.notes(kind, attempt), part_name(index, self.num_shards))

    def notes(self, kind: str, attempt: str) -> str:
        """URL of the folder of such results, for those that are no shard's."""
        folder = f"{kind}-{files.sha256(attempt.encode())[:16]}"
        return files.join(self.progress, folder)

    def file(self, name: str) -> str:
        """URL of a file, by its path below the folder."""
        return files.join(self.url, name)

    @property
    def manifest(self) -> str:
        """URL of the manifest."""
        return self.file(_MANIFEST)

    def group_names(self) -> list[str]:
        """Paths of the files present in which the manifest lists groups of shards, sorted."""
        return [f"{_GROUPS}/{name}" for name in files.list_names(self.file(_GROUPS))]

    @property
    def timings(self) -> str:
        """URL of the timings."""
        return self.file(_TIMINGS)

    @property
    def cleaned(self) -> str:
        """URL of the mark that says that the shards of rows kept were freed."""
        return self.file(_CLEANED)

    @property
    def card(self) -> str:
        """URL of the card that tells people what the shards are; it is no part of the result."""
        return self.file(_CARD)

    @property
    def progress(self) -> str:
        """URL of the folder of markers and notes."""
        return self.file(_PROGRESS)

    @property
    def site(self) -> str:
        """URL of the folder of answers to a live crawl: an input that outlives the stage."""
        return files.join(self.home or self.url, _SITE)

    @property
    def logs(self) -> str:
        """URL of the folder of what is seen of the latest training; it is no part of the result."""
        return files.join(self.home or self.url, _LOGS)

    @property
    def replaced(self) -> str:
        """URL of the manifest of the result that this one is taking the place of."""
        return self.file(_REPLACED)

    @property
    def spilled(self) -> str:
        """URL of the folder of bytes stored apart from their rows; swept when the stage ends."""
        return self.file(_SPILLED)

    def output_names(self) -> list[str]:
        """Paths of the files that make up the result, rejections too; neither notes nor records."""
        names = [n for n in files.list_names(self.url) if n not in _NO_OUTPUT and _is_whole(n)]
        rejected = files.list_names(self.file(_REJECTED))
        return names + [f"{_REJECTED}/{name}" for name in rejected if _is_whole(name)]

    def tidy(self) -> None:
        """Delete leftovers of killed writers, and shards of a run with another `num_shards`."""
        expected = {part_name(index, self.num_shards) for index in range(self.num_shards)}
        for folder in (self.url, self.file(_REJECTED)):
            for name in files.sweep_temporary(folder):
                if name.startswith(_PART) and name not in expected:
                    files.remove(files.join(folder, name))
        files.sweep_temporary(self.progress)


_RECORDS = {_MANIFEST, _GROUPS, _TIMINGS, _REPLACED, _CLEANED, _CARD}
_NO_OUTPUT = _RECORDS | {_PROGRESS, _REJECTED, _SITE, _LOGS, _NEXT}


@dataclass(frozen=True)
class RunFolder:
    """The directory of one run.

    Args:
        url: of the directory.
        num_shards: of the run; 0 where shards are not addressed by number.
    """

    url: str
    num_shards: int = 0

    @property
    def config(self) -> str:
        """URL of the settings."""
        return files.join(self.url, _CONFIG)

    @property
    def job(self) -> str:
        """URL of what is known of the job that is at work."""
        return files.join(self.url, _JOB)

    @property
    def report(self) -> str:
        """URL of the report."""
        return files.join(self.url, *_REPORT)

    @property
    def refusals(self) -> str:
        """URL of the list of what was removed, and is refused."""
        return files.join(self.url, _REMOVED, "refused.txt")

    @property
    def removal(self) -> str:
        """URL of what is known of a removal under way."""
        return files.join(self.url, _REMOVED, "work.json")

    def receipts(self) -> list[str]:
        """URLs of the receipts of removals, the first one first."""
        names = files.list_names(files.join(self.url, _REMOVED))
        return [files.join(self.url, _REMOVED, name) for name in names if name.startswith(_RECEIPT)]

    def receipt(self, number: int) -> str:
        """URL of the receipt of a removal, counted from 1."""
        return files.join(self.url, _REMOVED, f"{_RECEIPT}{number:04d}.json")

    def stage(self, name: str) -> StageFolder:
        """The folder of a stage."""
        return StageFolder(files.join(self.url, name), self.num_shards)

    def stage_names(self) -> list[str]:
        """Names of the folders that may be those of stages, sorted."""
        return [
            name
            for name in files.list_names(self.url)
            if name not in {_CONFIG, _JOB} and _is_whole(name)
        ]

    @property
    def own_names(self) -> set[str]:
        """Names in the directory that are no stage's."""
        return {_CONFIG, _JOB, _RECIPES, _REPORT[0], _REMOVED}

    def tidy(self) -> None:
        """Delete leftovers of killed writers, but for those of stages (`StageFolder.tidy`)."""
        within = (files.join(self.url, name) for name in (_REPORT[0], _REMOVED))
        for url in (self.url, *within):
            files.sweep_temporary(url)

    def recipe(self, name: str) -> "RunFolder":
        """The run directory of one recipe of a comparison."""
        return RunFolder(files.join(self.url, _RECIPES, name), self.num_shards)

    def recipes(self) -> dict[str, "RunFolder"]:
        """The run directories of a comparison of recipes, by name, sorted."""
        names = files.list_names(files.join(self.url, _RECIPES))
        return {name: self.recipe(name) for name in sorted(names)}


def part_name(index: int, num_shards: int) -> str:
    """File name of a shard; those of a run sort as their numbers do."""
    digits = _digits(num_shards)
    return f"{_PART}{index:0{digits}d}-of-{num_shards:0{digits}d}.parquet"


def rejected_name(index: int, num_shards: int) -> str:
    """Path of a shard of rejections, below the folder of its stage."""
    return f"{_REJECTED}/{part_name(index, num_shards)}"


def group_name(number: int) -> str:
    """Path of the file that lists a group of shards, below the folder of its stage."""
    return f"{_GROUPS}/{number:05d}.json"


def _digits(num_shards: int) -> int:
    """Digits of a shard's number: five as elsewhere in the field, and more where those are few."""
    return max(5, len(str(num_shards)))


def _is_whole(name: str) -> bool:
    """Whether a name is not that of a file still being written."""
    return not name.startswith(files.TEMPORARY_PREFIX)
