"""Settings of the fetch stage."""

from importlib.metadata import version
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.paths import counted_from
from pipelines.web.failures import BLOCKED, Reason
from pipelines.web.identity import USER_AGENT
from pipelines.web.intranet import IntranetAllowance

MIB = 1024 * 1024

HASH_MISMATCH = "hash_mismatch"  # the reason of bytes that are not those declared

# Reasons whose rows can be taken up again. Every class of failure may pass, even a refusal: who
# runs a site changes its robots.txt. So may other bytes than those that were declared.
RETRIED = frozenset({*(r.value for r in Reason if r not in BLOCKED), HASH_MISMATCH})


class Blocklists(BaseModel):
    """Lists of what is never fetched, or never kept: paths or URLs of text files.

    An entry a line; `#` begins a comment.

    Args:
        hosts: names such as `example.com`, which stand for all names below them too.
        urls: of images, with either scheme.
        hashes: of images: md5 and sha256 of the bytes as served, or the `phash` of imagehash.
        removed: digests of what was removed from other runs: their `removed/refused.txt`.
        max_hamming: bits in which an image may differ from a perceptual hash and be a hit. Chosen:
            at JPEG quality 50 and at half the size, 97 % of 1,500 drawings of 64 px and all of 260
            larger images are within 8 bits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hosts: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    max_hamming: Annotated[int, Field(ge=0, le=32)] = 8

    def paths(self) -> dict[str, str]:
        """The paths of all lists, by the setting that names them."""
        return {
            f"{kind}[{i}]": path
            for kind, paths in self._lists().items()
            for i, path in enumerate(paths)
        }

    def relocated(self, folder: str) -> "Blocklists":
        """The same lists, their relative paths counted from a folder."""
        return self.model_copy(
            update={
                kind: tuple(counted_from(folder, path) for path in paths)
                for kind, paths in self._lists().items()
            }
        )

    def _lists(self) -> dict[str, tuple[str, ...]]:
        names = ("hosts", "urls", "hashes", "removed")
        return {name: getattr(self, name) for name in names}


class Allow(BaseModel):
    """The permission to fetch from private hosts, and from no others.

    Args:
        host: a name, or `*.` before two or more labels, as `*.corp.example`.
        networks: private networks in CIDR notation; every address of such a host must be in them.
        ports: of those hosts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str
    networks: tuple[str, ...]
    ports: tuple[int, ...] = (80, 443)

    @model_validator(mode="after")
    def _is_narrow(self) -> "Allow":
        _ = self.allowance  # raises where it is not
        return self

    @property
    def allowance(self) -> IntranetAllowance:
        """The permission as the HTTP client takes it; raises `ValueError` where it is too wide."""
        return IntranetAllowance(self.host, self.networks, self.ports)


class FetchConfig(BaseModel):
    """How images are fetched.

    Args:
        backend: the implementation; `native` is `pipelines.web`, `img2dataset` the downloader of
            that package inside the same walls (`docs/img2dataset.md`).
        user_agent: sent with every request; the part before the first slash is the name that
            robots.txt and X-Robots-Tag address. Include a URL where people can reach you.
        timeout_s: seconds on the wire for one attempt, all hops, headers and body together.
        max_bytes: of one image.
        max_redirects: hops after the first.
        retries: further attempts after a transient failure.
        backoff_s: seconds before the first retry; doubled before each further one.
        concurrency: images fetched at once by one worker, each over its own connection. Bodies on
            their way take at most 1 MiB each, and 32 of them up to `max_bytes`.
        per_host_concurrency: requests in flight to one host, across all workers.
        per_host_delay_s: minimum time between two requests to one host, across all workers.
        max_host_failures: images of one host in a row that could not be reached, after which its
            other images in the shard are not requested; 0 for no limit.
        max_images_per_host: images requested of one host in a run, those of the least keys; None
            for all.
        deadline_s: seconds after the first request to a host, after which no further image of it is
            requested; None for no limit.
        host_buckets: into how many parts the hosts are cut, each the work of one worker. It changes
            no row.
        allow: private hosts to fetch from, beside the public web.
        obeys_robots: whether robots.txt (RFC 9309) is fetched and obeyed.
        honours_opt_out: whether X-Robots-Tag and tdm-reservation headers are honoured.
        blocklists: what is never fetched, or never kept.
        max_reject_rate: share of dropped rows above which the stage fails.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    backend: Literal["native", "img2dataset"] = "native"
    user_agent: Annotated[str, Field(pattern=r"^[!-~][ -~]*$")] = USER_AGENT
    timeout_s: Annotated[float, Field(gt=0)] = 20.0
    max_bytes: Annotated[int, Field(gt=0)] = 20 * MIB
    max_redirects: Annotated[int, Field(ge=0, le=20)] = 5
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    backoff_s: Annotated[float, Field(ge=0)] = 1.0
    concurrency: Annotated[int, Field(gt=0, le=4096)] = 256
    per_host_concurrency: Annotated[int, Field(gt=0)] = 2
    per_host_delay_s: Annotated[float, Field(ge=0)] = 0.0
    # Chosen: as in `crawl.sites`; Nutch has `fetcher.max.exceptions.per.queue` for it.
    max_host_failures: Annotated[int, Field(ge=0)] = 5
    max_images_per_host: Annotated[int, Field(gt=0)] | None = None
    deadline_s: Annotated[float, Field(gt=0)] | None = None
    # Chosen: four and more for each of 1,000 workers, and a note each on a disk.
    host_buckets: Annotated[int, Field(gt=0, le=1_000_000)] = 4096
    allow: tuple[Allow, ...] = ()
    obeys_robots: bool = True
    honours_opt_out: bool = True
    blocklists: Blocklists = Blocklists()
    max_reject_rate: Annotated[float, Field(ge=0, le=1)] = 1.0


def dependencies(config: FetchConfig) -> dict[str, str]:
    """The versions of the libraries that could change a row, and the digests of block-lists.

    Raises:
        BlocklistError: a list cannot be read, or a line of it is no entry.
    """
    peer = ("img2dataset",) if config.backend == "img2dataset" else ()
    libraries = {name: version(name) for name in ("aiohttp", "idna", *peer)}
    return libraries | _digests(config.blocklists)


def _digests(lists: Blocklists) -> dict[str, str]:
    if not lists.paths():
        return {}
    from pipelines.fetch.blocklists import digests  # numpy: only where there is a list

    return {f"blocklists.{name}": digest for name, digest in digests(lists).items()}
