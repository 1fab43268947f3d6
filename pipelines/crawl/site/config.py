"""Sites to crawl live, and how politely; importing this loads neither a parser nor Beam."""

from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from dalle_model import files
from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.identity import USER_AGENT, is_product_token, product_token
from pipelines.web.pace import MAX_DELAY_S
from pipelines.web.urls import canonical_url

# Suffixes that are not fetched. Source: Nutch, conf/regex-urlfilter.txt; newer ones added.
NO_PAGES = (
    *("*.avif$", "*.bmp$", "*.css$", "*.exe$", "*.gif$", "*.gz$", "*.ico$", "*.jpeg$", "*.jpg$"),
    *("*.js$", "*.mov$", "*.mp3$", "*.mp4$", "*.pdf$", "*.png$", "*.svg$", "*.tgz$", "*.webm$"),
    *("*.webp$", "*.xml$", "*.zip$"),
)


class Site(BaseModel):
    """One site to crawl, and how far.

    Args:
        start: URLs of depth 0; redirects and links lead on.
        name: goes into the `source` column of every row.
        scope: `same_host` as a start URL, or `same_site`: that host without `www.` and all its
            subdomains.
        include: patterns of URLs to stay within; the whole scope where there is none. As in
            robots.txt a pattern is a prefix, `*` any characters and a final `$` the end; one that
            starts with a slash is matched with paths, any other with whole URLs. Start URLs need
            no match.
        exclude: patterns of URLs never to fetch; those given replace the default ones, which
            are names that pages rarely have.
        max_depth: links from a start URL to a page, at most.
        max_pages: pages requested from one host in all rounds, not counting retries and sitemaps.
        max_hosts: with `same_site`, hosts beyond those of the start URLs; the nearest are chosen.
        max_redirects: from a link to a page, at most.
        uses_sitemaps: whether the sitemaps in the robots.txt of the start hosts are read, whose
            pages then count as start URLs; at most 100 a host.
        delay_s: least time between two requests to one host; a longer Crawl-delay takes precedence.
        obeys_robots: whether robots.txt (RFC 9309) is fetched and obeyed.
        user_agent: sent with every request; up to the first slash it is the name that robots.txt
            and X-Robots-Tag address. Give a URL by which people can reach you.
        timeout_s: seconds on the wire for one attempt.
        retries: further attempts after a transient failure.
        backoff_s: seconds before the first retry; doubled before each further one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    start: tuple[str, ...] = Field(min_length=1)
    name: str = ""
    scope: Literal["same_host", "same_site"] = "same_host"
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = NO_PAGES
    max_depth: int = Field(default=3, ge=0, le=50)
    max_pages: int = Field(default=1000, ge=1)
    max_hosts: int = Field(default=100, ge=0)
    max_redirects: int = Field(default=4, ge=0, le=20)  # Source: CCBot FAQ
    uses_sitemaps: bool = False
    delay_s: float = Field(default=1.0, ge=0, le=MAX_DELAY_S)  # Source: Scrapy, project template
    obeys_robots: bool = True
    user_agent: Annotated[str, Field(pattern=r"^[!-~][ -~]*$")] = USER_AGENT
    timeout_s: float = Field(default=20.0, gt=0)
    retries: int = Field(default=2, ge=0, le=10)
    backoff_s: float = Field(default=1.0, ge=0)

    @field_validator("start", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("start")
    @classmethod
    def _canonical(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(_canonical_start, urls)))

    @field_validator("user_agent")
    @classmethod
    def _with_a_name(cls, user_agent: str) -> str:
        if not is_product_token(product_token(user_agent)):
            raise ValueError(
                "must start with a name of letters, `_` and `-`, as `mybot/1.0 (+https://…)`"
            )
        return user_agent


def _canonical_start(url: str) -> str:
    try:
        return canonical_url(url)
    except ValueError as error:
        example = "" if "://" in url else f"; write it whole, as https://{url[:200]}"
        raise ValueError(f"{url[:200]!r}: {error}{example}") from error


def policy_digest(
    site: Site, max_page_bytes: int, loopback: LoopbackAllowance | None = None
) -> str:
    """A digest of all settings that decide what a request is answered with; 16 hex digits.

    Args:
        site: who sends requests, and whether robots.txt is obeyed.
        max_page_bytes: limit of a page.
        loopback: hosts that a server on this machine answers for, whose answers are not the web's.
    """
    lines = [site.user_agent, str(site.obeys_robots), str(max_page_bytes)]
    if loopback is not None:
        lines.append(loopback.host_suffix)
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


def num_answers(root: str) -> int:
    """The number of answers that `archive.py` has stored below a folder."""
    return sum(
        len(files.list_names(files.join(root, under, host)))
        for under in files.list_names(root)
        for host in files.list_names(files.join(root, under))
    )
