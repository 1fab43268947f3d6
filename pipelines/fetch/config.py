"""Settings of the fetch stage."""

from importlib.metadata import version
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.web.identity import USER_AGENT
from pipelines.web.intranet import IntranetAllowance

MIB = 1024 * 1024


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
        backend: the implementation; `native` is `pipelines.web`.
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
        allow: private hosts to fetch from, beside the public web.
        obeys_robots: whether robots.txt (RFC 9309) is fetched and obeyed.
        honours_opt_out: whether X-Robots-Tag and tdm-reservation headers are honoured.
        max_reject_rate: share of dropped rows above which the stage fails.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    backend: Literal["native"] = "native"
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
    allow: tuple[Allow, ...] = ()
    obeys_robots: bool = True
    honours_opt_out: bool = True
    max_reject_rate: Annotated[float, Field(ge=0, le=1)] = 1.0


def dependencies(config: FetchConfig) -> dict[str, str]:
    """The versions of the libraries that could change a row."""
    del config  # one backend so far
    return {name: version(name) for name in ("aiohttp", "idna")}
