"""The section `crawl` of a config file, whose kinds of sources must be known to a reader.

Readers import the settings, so that the settings cannot ask the readers themselves.
"""

from pydantic import field_validator

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.readers.registry import readers_of
from pipelines.crawl.sources import Source


class KnownSource(Source):
    """A source of a kind that some reader reads."""

    @field_validator("kind")
    @classmethod
    def _is_known(cls, kind: str | None) -> str | None:
        return kind if kind is None else readers_of(kind)[0].kind


class CrawlSection(CrawlConfig):
    """As `CrawlConfig`, with kinds that are known."""

    sources: tuple[KnownSource, ...] = ()
