"""The crawl stage: web archives, pages, tables and live sites become candidates."""

from functools import partial

from apache_beam.pvalue import PCollection

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.shard import complete_shard
from pipelines.crawl.site.visit import Visits
from pipelines.crawl.transforms import ExtractCandidates
from pipelines.io.task import ShardReport, StageTask
from pipelines.io.transforms import GatherShards, Tasks
from pipelines.web.addresses import LoopbackAllowance


def build(
    tasks: Tasks,
    task: StageTask,
    config: CrawlConfig,
    loopback: LoopbackAllowance | None = None,
) -> PCollection[ShardReport]:
    """Read the sources of a config and write the pending shards.

    Args:
        tasks: the stage's work.
        task: the same, of which only what does not depend on other stages is looked at.
        config: what to read.
        loopback: permission to reach a server on this machine in place of the web.

    Raises:
        MissingInputError: a source of the config has no file.
    """
    folder = task.folder
    live = Visits(config, folder.site, loopback, task) if config.sites else None
    write = partial(
        complete_shard,
        most=config.max_captions_per_image,
        honours_opt_out=config.honours_page_opt_out,
    )
    return (
        tasks.pipeline
        | "ExtractCandidates" >> ExtractCandidates(config, task.num_shards, folder.spilled, live)
        | "WriteCandidates" >> GatherShards(tasks, write)
    )
