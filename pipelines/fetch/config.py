"""Settings of the fetch stage."""

from importlib.metadata import version
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipelines.web.failures import Reason
from pipelines.web.identity import USER_AGENT

MIB = 1024 * 1024

HASH_MISMATCH = "hash_mismatch"  # the reason of bytes that are not those declared

# Reasons whose rows can be taken up again. Every class of failure may pass, even a refusal: who
# runs a site changes its robots.txt. So may other bytes than those that were declared.
RETRIED = frozenset({*(reason.value for reason in Reason), HASH_MISMATCH})


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
        concurrency: images fetched at once by one worker; multiplied by `max_bytes`, it bounds the
            memory of the responses in flight.
        per_host_concurrency: requests in flight to one host, across all workers.
        per_host_delay_s: minimum time between two requests to one host, across all workers.
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
    concurrency: Annotated[int, Field(gt=0, le=1024)] = 32
    per_host_concurrency: Annotated[int, Field(gt=0)] = 2
    per_host_delay_s: Annotated[float, Field(ge=0)] = 0.0
    obeys_robots: bool = True
    honours_opt_out: bool = True
    max_reject_rate: Annotated[float, Field(ge=0, le=1)] = 1.0


def dependencies(config: FetchConfig) -> dict[str, str]:
    """The versions of the libraries that could change a row."""
    del config  # one backend so far
    return {name: version(name) for name in ("httpcore", "h11", "idna")}
