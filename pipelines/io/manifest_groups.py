"""The files of a stage of very many shards, listed in groups of shards, each read where it is used.

`manifest.json` then holds of each group the checksum of its file, a digest of what is kept, and the
bytes of its shards: enough to know the stage, and to see that its shards are there.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal, overload

from dalle_model import files
from dalle_model.at_once import at_once
from dalle_model.errors import DalleError
from pipelines.io.layout import StageFolder, group_name, part_name, rejected_name

MAX_LISTED = 10_000  # shards; chosen: up to there all are listed in one manifest of 4 MB
GROUP_SIZE = 1_000  # shards; chosen: 0.4 MB a group, and as many files as one listing names

Entry = dict[str, Any]
Kind = Literal["files", "rejected_files"]
_NAMES: dict[Kind, Callable[[int, int], str]] = {
    "files": part_name,
    "rejected_files": rejected_name,
}
_TYPES = {"name": str, "bytes": int, "sha256": str, "digest": str} | dict.fromkeys(_NAMES, int)


class ManifestError(DalleError):
    """What lists the files of a finished stage is gone or damaged."""


def is_grouped(num_shards: int) -> bool:
    """Whether a stage of so many shards lists its files in groups."""
    return num_shards > MAX_LISTED


def digest_of(document: Any) -> str:
    """SHA-256 of a JSON-ready value in canonical form."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()  # as `files.write_json`


def content_digest(entries: Sequence[Entry]) -> str:
    """SHA-256 over the names and checksums of files."""
    return digest_of([[entry["name"], entry["sha256"]] for entry in entries])


def in_groups(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """The entries of each group of shards, in order."""
    return (entries[at : at + GROUP_SIZE] for at in range(0, len(entries), GROUP_SIZE))


def names_of_shards(num_shards: int) -> list[str]:
    """Paths of all files of a stage that lists so many shards in groups, those of the groups last.

    They follow from the number of shards alone, so that files can be moved while none is read.
    """
    names = [name_of(n, num_shards) for name_of in _NAMES.values() for n in range(num_shards)]
    return names + [group_name(n) for n in range(len(range(0, num_shards, GROUP_SIZE)))]


@dataclass(frozen=True)
class Groups:
    """The groups of a finished stage.

    Args:
        folder: of the stage.
        entries: of each group `name`, `bytes` and `sha256` of its file, the `digest` of the files
            kept, and the bytes of all of its `files` and `rejected_files`.
        num_shards: of the run.
    """

    folder: StageFolder
    entries: Sequence[Entry]
    num_shards: int
    _last: dict[int, dict[Kind, list[Entry]]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        """Raise `TypeError` where this is no description of groups."""
        if len(self.entries) != len(range(0, self.num_shards, GROUP_SIZE)):
            raise TypeError(f"{len(self.entries)} groups of {self.num_shards} shards")
        entries: Sequence[Any] = self.entries  # as they stand in a file
        for entry in entries:
            if not isinstance(entry, dict) or {n: type(entry.get(n)) for n in _TYPES} != _TYPES:
                raise TypeError(f"{entry} is no entry of a group")

    def read(self, number: int) -> dict[Kind, list[Entry]]:
        """The lists of a group; the last one read is kept.

        Raises:
            ManifestError: its file is missing, or another one than the manifest names.
        """
        if number not in self._last:
            url = self.folder.file(self.entries[number]["name"])
            content = _content(url)
            if content is None or files.sha256(content) != self.entries[number]["sha256"]:
                raise ManifestError(
                    f"{url} is missing or damaged; delete {self.folder.manifest} "
                    "and give `dalle run` again"
                )
            self._last.clear()
            self._last[number] = json.loads(content)
        return self._last[number]

    def suspects(self, sizes: Mapping[str, int]) -> Iterator[Entry]:
        """Entries among which are all whose file is not in its size, of few groups or of none.

        Args:
            sizes: of the files that are there, by path below the folder.
        """
        for number, group in enumerate(self.entries):
            yield group
            if sizes.get(group["name"]) != group["bytes"]:
                continue  # what it listed cannot be known
            for kind, name_of in _NAMES.items():
                found = [sizes.get(name_of(n, self.num_shards)) for n in self._shards(number)]
                if None in found or sum(size or 0 for size in found) != group[kind]:
                    yield from self.read(number)[kind]

    def _shards(self, number: int) -> range:
        return range(self.num_shards)[number * GROUP_SIZE : (number + 1) * GROUP_SIZE]


@dataclass(frozen=True)
class GroupedEntries(Sequence[Entry]):
    """The entries of all groups; each group is read from its file when it is come to."""

    groups: Groups
    kind: Kind

    def __len__(self) -> int:
        return self.groups.num_shards

    def __iter__(self) -> Iterator[Entry]:
        for number in range(len(self.groups.entries)):
            yield from self.groups.read(number)[self.kind]

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | Sequence[Entry]:
        if isinstance(index, slice):
            return [self[at] for at in range(len(self))[index]]
        number, at = divmod(range(len(self))[index], GROUP_SIZE)
        return self.groups.read(number)[self.kind][at]


def write_groups(
    folder: StageFolder, kept: Sequence[Entry], rejected: Sequence[Entry]
) -> list[Entry]:
    """Write the file of each group.

    Returns:
        What the manifest holds of them, as in `Groups`.
    """
    pairs = zip(in_groups(kept), in_groups(rejected), strict=True)
    numbered = [(folder, number, *pair) for number, pair in enumerate(pairs)]
    return list(at_once(_write_group, numbered))


def drop_other_groups(folder: StageFolder, groups: Sequence[Entry]) -> None:
    """Remove group files that are not of this result, such as those of more shards."""
    names = {group["name"] for group in groups}
    for name in folder.group_names():
        if name not in names:
            files.remove(folder.file(name))


def _write_group(group: tuple[StageFolder, int, Sequence[Entry], Sequence[Entry]]) -> Entry:
    folder, number, kept, rejected = group
    content = files.json_bytes({"files": list(kept), "rejected_files": list(rejected)})
    name = group_name(number)
    files.write_bytes(folder.file(name), content)
    return {
        "name": name,
        "bytes": len(content),
        "sha256": files.sha256(content),
        "digest": content_digest(kept),
        "files": sum(entry["bytes"] for entry in kept),
        "rejected_files": sum(entry["bytes"] for entry in rejected),
    }


def _content(url: str) -> bytes | None:
    try:
        return files.read_bytes(url)
    except OSError:  # gone, or a folder in its place
        return None
