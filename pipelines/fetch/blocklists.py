"""Lists of hosts, URLs and images that are never fetched, or never kept.

An image is judged here, before anything is written, and not in the stage that decodes: what is on a
list must be in no file of the run, and the shard of this stage would be one. So a list of
perceptual hashes has each image decoded once more, in a process of its own (`pipelines.io.looks`).
"""

import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from dalle_model import files
from dalle_model.errors import UsageError
from pipelines.fetch.config import Blocklists
from pipelines.io.hashes import EXACT, exact_hash
from pipelines.io.keys import image_part
from pipelines.io.lists import bare, hash_of_line, host_of_line, lines_in, url_of_line
from pipelines.io.locked_process import Unseen
from pipelines.io.looks import looks_of
from pipelines.io.refusals import REMOVED, Refusals, own_refusals, refusals_in
from pipelines.io.task import StageTask
from pipelines.rejection import Check
from pipelines.web.failures import FetchFailure, Reason
from pipelines.web.settings import Refuses

BLOCKED_HASH, BLOCKED_LOOK = "blocked_hash", "blocked_perceptual_hash"
UNKNOWN_LOOK = "perceptual_hash_unknown"

_MAX_QUOTED = 100  # characters of a bad line; chosen: a line of a terminal

Names = Mapping[str, str]  # an entry in its canonical form -> the list and the entry as written


class BlocklistError(UsageError):
    """A block-list is not there, or a line of it is no entry: which, and what is expected."""


@dataclass(frozen=True, eq=False)
class Blocked:
    """The entries of all lists.

    Args:
        hosts: in canonical form.
        urls: in canonical form, without the scheme.
        hashes: exact ones, as `md5:…` or `sha256:…`.
        looks: perceptual hashes, uint64 `(entries,)`.
        look_names: of each, as in `Names`.
        max_hamming: bits in which an image may differ from a perceptual hash and be a hit.
        removed: what was removed from this run or others.
    """

    hosts: Names = field(default_factory=dict)
    urls: Names = field(default_factory=dict)
    hashes: Names = field(default_factory=dict)
    looks: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    look_names: Sequence[str] = ()
    max_hamming: int = 0
    removed: Refusals = field(default_factory=Refusals)

    def refusal(self, url: str) -> FetchFailure | None:
        """Why a canonical URL is not requested; None where it may be."""
        if name := self._host(url):
            return FetchFailure(Reason.BLOCKED_HOST, name)
        if self.urls and (name := self.urls.get(bare(url), "")):
            return FetchFailure(Reason.BLOCKED_URL, name)
        if self.removed and self._was_removed(url):
            return FetchFailure(Reason.REMOVED, "")
        return None

    @property
    def refuses(self) -> Refuses | None:
        """`refusal`, where there is something to refuse."""
        return self.refusal if self.hosts or self.urls or self.removed else None

    def of_bytes(self, encoded: bytes) -> Check | None:
        """The failed check of an image that is on a list, or whose look cannot be told."""
        if self.removed and self.removed.has_bytes(encoded):
            return Check(REMOVED, passed=False)
        return self._exact(encoded) or self._look(encoded)

    def _was_removed(self, url: str) -> bool:
        return self.removed.has_url(url) or self.removed.has("image", image_part(url.encode()))

    def _host(self, url: str) -> str:
        """The entry for the host of a URL or for a domain that it is in; empty for none."""
        if not self.hosts:
            return ""
        host = urlsplit(url).hostname or ""
        labels = host.split(".")
        domains = (".".join(labels[start:]) for start in range(len(labels)))
        return next((self.hosts[domain] for domain in domains if domain in self.hosts), "")

    def _exact(self, encoded: bytes) -> Check | None:
        if self.hashes:
            for kind in EXACT:
                if name := self.hashes.get(f"{kind}:{exact_hash(encoded, kind)}"):
                    return Check(BLOCKED_HASH, passed=False, detail=name)
        return None

    def _look(self, encoded: bytes) -> Check | None:
        if not self.looks.size:
            return None
        seen = looks_of(encoded)
        if isinstance(seen, Unseen):  # it may be on the list: no stage would use it either
            return Check(UNKNOWN_LOOK, passed=False, detail=seen.why)
        distances = np.bitwise_count(self.looks[:, None] ^ np.array(seen, np.uint64)).min(axis=1)
        nearest = int(distances.argmin())
        if distances[nearest] > self.max_hamming:
            return None
        measured, limit = float(distances[nearest]), float(self.max_hamming)
        return Check(BLOCKED_LOOK, False, measured, limit, self.look_names[nearest])


def blocked_of(task: StageTask, config: Blocklists) -> Blocked:
    """The entries of all lists, and what was removed from the run of a task.

    Raises:
        BlocklistError: as `read_blocklists`.
    """
    blocked, own = read_blocklists(config, task.fingerprint), own_refusals(task)
    return replace(blocked, removed=blocked.removed | own) if own else blocked


@lru_cache(maxsize=2)  # of one run all shards, and those of the run before
def read_blocklists(config: Blocklists, fingerprint: str) -> Blocked:
    """The entries of all lists, read once a process.

    Args:
        config: which lists.
        fingerprint: of the stage; another one where a list has changed.

    Raises:
        BlocklistError: a list cannot be read, or a line of it is no entry.
    """
    del fingerprint
    hashes = _entries("hashes", config.hashes, hash_of_line)
    looks = {digits: name for digits, name in hashes.items() if digits.startswith("phash:")}
    return Blocked(
        hosts=_entries("hosts", config.hosts, host_of_line),
        urls=_entries("urls", config.urls, url_of_line),
        hashes={digits: name for digits, name in hashes.items() if digits not in looks},
        looks=np.array([int(digits.removeprefix("phash:"), 16) for digits in looks], np.uint64),
        look_names=tuple(looks.values()),
        max_hamming=config.max_hamming,
        removed=_removed(config.removed),
    )


def digests(config: Blocklists) -> dict[str, str]:
    """SHA-256 of each list by the setting that names it; every line has been seen to be an entry.

    Raises:
        BlocklistError: as `read_blocklists`.
    """
    found = {name: files.sha256(_content(name, path)) for name, path in config.paths().items()}
    read_blocklists(config, files.sha256("".join(found.values()).encode()))
    return found


def _removed(paths: Sequence[str]) -> Refusals:
    found = Refusals()
    for path in paths:
        content = _content("removed", path)
        try:
            found |= refusals_in(content)
        except ValueError as error:
            raise BlocklistError(f"{path}: fetch.blocklists.removed: {error}") from error
    return found


def _entries(setting: str, paths: Sequence[str], parse: Callable[[str], str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in paths:
        name = posixpath.basename(path)
        for number, line in lines_in(_content(setting, path)):
            try:
                found.setdefault(parse(line), f"{name}: {line}")
            except ValueError as error:
                raise BlocklistError(
                    f"{path}:{number}: {line[:_MAX_QUOTED]!r} is no entry of "
                    f"fetch.blocklists.{setting}: {error}"
                ) from error
    return found


def _content(setting: str, path: str) -> bytes:
    try:
        return files.read_bytes(path)
    except Exception as error:  # whatever the file system of a URL raises
        raise BlocklistError(
            f"fetch.blocklists.{setting}: {path} cannot be read: {type(error).__name__}: {error}"
        ) from error
