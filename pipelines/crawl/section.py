"""The section `crawl` of a config file, whose kinds of sources must be known to a reader.

Readers import the settings, so that the settings cannot ask the readers themselves.
"""

from pydantic import field_validator

from dalle_model.shard_schema import COLUMNS
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.readers.registry import readers_of
from pipelines.crawl.sources import Source
from pipelines.io.carried import Type
from pipelines.records import IMAGE_SCHEMA

_TAKEN = frozenset({*COLUMNS, *IMAGE_SCHEMA.names})


class KnownSource(Source):
    """A source of a kind that some reader reads, which carries no column that a row has anyway."""

    @field_validator("kind")
    @classmethod
    def _is_known(cls, kind: str | None) -> str | None:
        return kind if kind is None else readers_of(kind)[0].kind

    @field_validator("carry")
    @classmethod
    def _is_free(cls, carry: dict[str, Type]) -> dict[str, Type]:
        for name in carry:
            if name.lower() in _TAKEN:
                raise ValueError(f"{name!r} is a column of every row already; leave it out")
        return carry


class CrawlSection(CrawlConfig):
    """As `CrawlConfig`, with kinds that are known."""

    sources: tuple[KnownSource, ...] = ()
