"""The crawl stage as a value: any source of image-caption pairs becomes candidates."""

import posixpath
from collections.abc import Collection, Mapping
from typing import Any

from pipelines.crawl.amount import amount
from pipelines.crawl.candidates import DUPLICATE
from pipelines.crawl.config import CrawlConfig, dependencies, fingerprint_config
from pipelines.crawl.discovery import locations
from pipelines.crawl.kept import NOT_IN_KEEP_LIST
from pipelines.crawl.section import CrawlSection
from pipelines.crawl.site.config import num_answers
from pipelines.io.carried import common_types
from pipelines.io.layout import StageFolder
from pipelines.io.material import Material
from pipelines.io.refusals import Refusals
from pipelines.paths import counted_from
from pipelines.records import CANDIDATE_SCHEMA, CANDIDATES, CARRIED
from pipelines.stage import Cost, Facts, Job, PipelineWork, Resources, Stage, Writes


def _build(tasks: Any, job: Job) -> Any:
    from pipelines.crawl.pipeline import build

    return build(tasks, job.task, job.config, job.runtime.loopback)


def _settings(config: CrawlConfig) -> dict[str, Any]:
    values = fingerprint_config(config)
    values.pop("max_reject_rate")
    return values


def _relocate(config: CrawlConfig, folder: str) -> CrawlConfig:
    sources = tuple(
        source.model_copy(update={"path": counted_from(folder, source.path)})
        for source in config.sources
    )
    keep = counted_from(folder, config.keep) if config.keep else ""
    return config.model_copy(update={"sources": sources, "keep": keep})


def _origins(config: CrawlConfig) -> list[str]:
    """Names without folders: a project that is moved is still the same."""
    paths = [posixpath.basename(source.path.rstrip("/")) for source in config.sources]
    return paths + [url for site in config.sites for url in site.start]


def _facts(config: CrawlConfig, _provided: Mapping[str, str]) -> Facts:
    types = common_types(source.carry for source in config.sources)
    return {CARRIED: types} if types else {}


def _pulse(folder: StageFolder) -> str:
    answers = num_answers(folder.site)
    return f"{answers:,} answers" if answers else ""


def _kept_pages(folder: StageFolder, pages: Collection[str], refusals: Refusals) -> list[str]:
    from pipelines.crawl.site.archive import files_of

    return files_of(folder.site, pages, refusals.has_url)


def _begins(material: Material) -> str:
    if not material.keeps_all:
        return material.section
    return f"{material.section}\n  min_caption_chars: 0"


def _looks(path: str, written: str, columns: Mapping[str, str]) -> Material:
    from pipelines.crawl.look import look

    return look(path, written, columns)


STAGE = Stage(
    name="crawl",
    about="any source to candidate pairs",
    config=CrawlSection,
    writes=Writes(CANDIDATES, CANDIDATE_SCHEMA),
    work=PipelineWork(_build),
    cost=Cost(
        cpu_s=156e-6,
        stored_bytes=63,
        shuffled_bytes=241,
        source="infra/SCALE.md; shuffled: `python -m benchmarks.shuffle`",
    ),
    settings=_settings,
    dependencies=lambda config, _: dependencies(config),
    relocate=_relocate,
    outside=locations,
    amount=amount,
    pulse=_pulse,
    origins=_origins,
    facts=_facts,
    looks=_looks,
    begins=_begins,
    copies=(DUPLICATE,),
    unasked=(NOT_IN_KEEP_LIST,),
    kept_pages=_kept_pages,
    resources=Resources(
        needs_web=lambda config: bool(config.sites),
        # Measured: an archive of 1 GB takes 480 MB of a process, one in an object store 80 MB more;
        # a shard of 500 MB of images that came in a tar 1.6 GB (infra/SCALE.md).
        min_ram_bytes=lambda *_: 2 * 1024**3,
    ),
)
