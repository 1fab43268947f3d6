"""Settings of a client: everything about a fetch except the URL."""

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.web.failures import FetchFailure
from pipelines.web.identity import product_token
from pipelines.web.intranet import IntranetAllowance
from pipelines.web.pace import PaceSettings

ACCEPT_IMAGES = "image/jpeg,image/png,image/webp,image/gif;q=0.9,image/*;q=0.5"


Refuses = Callable[[str], FetchFailure | None]  # why a canonical URL is not requested


@dataclass(frozen=True)
class HttpSettings:
    """Settings of a client.

    Args:
        user_agent: sent with every request; its product token, up to the first slash, is the name
            that robots.txt and X-Robots-Tag address.
        timeout_s: seconds on the wire for one attempt, all hops together, headers and body.
        max_bytes: of a body, on the wire and decompressed.
        max_redirects: hops after the first.
        retries: further attempts after a transient failure.
        backoff_s: seconds before the first retry; doubled before each further one.
        connections: open at once.
        pace: limits for one host.
        obeys_robots: whether robots.txt is fetched and obeyed.
        honours_opt_out: whether opt-outs in headers are respected.
        accept: the Accept header.
        follows_redirects: else a redirect is returned to the caller.
        media_types: the only ones whose bodies are read; empty for all. A response without a type
            passes.
        allow: private hosts that may be reached.
        refuses: why a canonical URL, that of a redirect too, is not requested; None where it may
            be.
    """

    user_agent: str
    timeout_s: float
    max_bytes: int
    max_redirects: int
    retries: int
    backoff_s: float
    connections: int
    pace: PaceSettings
    obeys_robots: bool = True
    honours_opt_out: bool = True
    accept: str = ACCEPT_IMAGES
    follows_redirects: bool = True
    media_types: frozenset[str] = frozenset()
    allow: tuple[IntranetAllowance, ...] = ()
    refuses: Refuses | None = None

    @property
    def token(self) -> str:
        """The product token, in lower case."""
        return product_token(self.user_agent)
