"""The crawl stage: web archives, pages, tables and live sites become candidates."""

from apache_beam import Pipeline
from apache_beam.pvalue import PCollection

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.shard import complete_shard
from pipelines.crawl.site.visit import Visits
from pipelines.crawl.transforms import ExtractCandidates
from pipelines.io.task import ShardReport, StageTask
from pipelines.io.transforms import GatherShards
from pipelines.web.addresses import LoopbackAllowance


def build(
    pipeline: Pipeline,
    task: StageTask,
    config: CrawlConfig,
    loopback: LoopbackAllowance | None = None,
) -> PCollection[ShardReport]:
    """Add the stage to a pipeline.

    Args:
        pipeline: to add to.
        task: the stage's work.
        config: what to read.
        loopback: permission to reach a server on this machine in place of the web.

    Raises:
        MissingInputError: a source of the config has no file.
    """
    folder = task.folder
    live = Visits(config, folder.site, loopback) if config.sites else None
    return (
        pipeline
        | "ExtractCandidates" >> ExtractCandidates(config, task.num_shards, folder.spilled, live)
        | "WriteCandidates" >> GatherShards(task, complete_shard)
    )
