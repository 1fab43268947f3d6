"""Settings of the crawl stage; importing this loads neither a parser nor Beam."""

import json
from importlib.metadata import version
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.crawl.site.config import Site
from pipelines.crawl.sources import Source
from pipelines.io.carried import common_types

TextSource = Literal["alt", "figcaption", "title", "og:image"]


class CrawlConfig(BaseModel):
    """What to read, and what counts as a candidate.

    Args:
        sources: files to read; at least one of these or of `sites`.
        sites: to crawl live.
        keep: NumPy file of ids, as DataComp and `dalle keep` write them; rows whose `uid` is not in
            it are left out. Each source has to `carry` the column `uid`.
        text_sources: where to look for an image's caption, best first; `og:image` also reads the
            page's Open Graph images, each with its `og:image:alt`.
        min_caption_chars: shorter captions are dropped; whitespace at both ends is not counted. 0
            keeps images without any, with an empty caption: their rows need a recipe that lets it
            pass, such as `none`.
        max_caption_chars: longer captions are dropped, so that no page fills a shard.
        max_captions_per_image: captions kept of an image, the first by key; the others are dropped,
            so that no image fills a shard. None keeps all.
        max_page_bytes: larger pages, and larger metadata of pages, are dropped unread.
        max_image_bytes: larger images are dropped, in sources that hold the images themselves.
        takes_stored_images: take the images that archives and mirrored folders store beside their
            pages from there; if false they are asked from the web like all others.
        honours_page_opt_out: drop the images of pages that forbid use for AI, and images in
            archives whose headers do; if false they are kept, with those words in the column
            `opt_out`.
        max_reject_rate: the stage fails above this share of dropped rows, 0..1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: tuple[Source, ...] = ()
    sites: tuple[Site, ...] = ()
    keep: str = ""
    text_sources: tuple[TextSource, ...] = Field(
        default=("alt", "figcaption", "title", "og:image"), min_length=1
    )
    min_caption_chars: int = Field(default=1, ge=0)
    max_caption_chars: int = Field(default=10_000, ge=1)  # chosen: ten times what 256 tokens hold
    # Chosen: twice the texts from which on the recipe `align` drops an image altogether.
    max_captions_per_image: int | None = Field(default=2000, ge=1)
    max_page_bytes: int = Field(default=2 << 20, ge=1)  # chosen: lexbor takes up to 100 times it
    max_image_bytes: int = Field(default=20 << 20, ge=1)  # as `fetch.max_bytes`
    takes_stored_images: bool = True
    honours_page_opt_out: bool = True
    max_reject_rate: float = Field(default=1.0, ge=0, le=1)

    @property
    def needs_captions(self) -> bool:
        """Whether an image without a caption is dropped."""
        return self.min_caption_chars > 0

    @model_validator(mode="after")
    def _something_to_read(self) -> Self:
        if not self.sources and not self.sites:
            raise ValueError("nothing to read; give `crawl.sources`, `crawl.sites` or both")
        return self

    @model_validator(mode="after")
    def _carries_one_type_of_a_name(self) -> Self:
        common_types(source.carry for source in self.sources)
        return self

    @model_validator(mode="after")
    def _carries_what_is_kept(self) -> Self:
        if not self.keep:
            return self
        from pipelines.io.uids import UID  # here, since it brings pyarrow

        if self.sites:
            raise ValueError("`crawl.keep` names rows by `uid`, which the images of sites lack")
        for number, source in enumerate(self.sources):
            if UID not in source.carry:
                raise ValueError(
                    f"`crawl.keep` needs the column {UID!r} of each row; add `carry: [{UID}]` to "
                    f"crawl.sources[{number}]"
                )
        return self


def fingerprint_config(config: CrawlConfig) -> dict[str, Any]:
    """The settings without the paths, the order and the number of the inputs."""
    values = config.model_dump(mode="json")
    del values["keep"]  # its content counts: dependencies
    settings = [{k: v for k, v in s.items() if k != "path"} for s in values["sources"]]
    unique = {json.dumps(setting, sort_keys=True) for setting in settings}
    return {**values, "sources": [json.loads(setting) for setting in sorted(unique)]}


def dependencies(config: CrawlConfig) -> dict[str, str]:
    """Versions of the packages that read the inputs and normalise their URLs; the keep list.

    Raises:
        KeepListError: it cannot be read.
    """
    from pipelines.io.uids import keep_list_sha256

    reading = ("fastwarc", "idna", "msgspec", "pyarrow", "selectolax")
    fetching = ("aiohttp",) if config.sites else ()
    found = {name: version(name) for name in (*reading, *fetching)}
    return found | ({"keep": keep_list_sha256(config.keep)} if config.keep else {})
