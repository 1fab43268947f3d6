"""How to fetch: what a client needs to know, beside the URL."""

from dataclasses import dataclass

from pipelines.web.identity import product_token
from pipelines.web.pace import PaceSettings

ACCEPT_IMAGES = "image/jpeg,image/png,image/webp,image/gif;q=0.9,image/*;q=0.5"


@dataclass(frozen=True)
class HttpSettings:
    """How to fetch.

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
        obeys_robots: whether robots.txt is asked.
        honours_opt_out: whether refusals in headers are heeded.
        accept: the Accept header.
        follows_redirects: else a redirect is an answer of its own, for the caller to judge.
        media_types: the only ones whose bodies are read; empty for all. An answer without a type
            passes.
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

    @property
    def token(self) -> str:
        """The product token, in lower case."""
        return product_token(self.user_agent)
