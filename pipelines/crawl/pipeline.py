"""The crawl stage: web archives, pages, tables and live sites become candidates."""

from apache_beam import Pipeline
from apache_beam.pvalue import PCollection

from dalle_model import files
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.pictures.places import ASIDE
from pipelines.crawl.shard import complete_shard
from pipelines.crawl.site.config import LIVE_FOLDER, LiveRuntime
from pipelines.crawl.site.visit import Visits
from pipelines.crawl.transforms import ExtractCandidates
from pipelines.io.task import ShardReport, StageTask
from pipelines.io.transforms import GatherShards


def build(
    pipeline: Pipeline, task: StageTask, config: CrawlConfig, runtime: LiveRuntime | None = None
) -> PCollection[ShardReport]:
    """Add the stage to a pipeline.

    Args:
        pipeline: to add to.
        task: the stage's work.
        config: what to read.
        runtime: permissions of a live crawl; none by default.

    Raises:
        MissingInputError: a source of the config has no file.
    """
    stage = files.join(task.root, task.stage)
    folder, aside = files.join(stage, LIVE_FOLDER), files.join(stage, ASIDE)
    live = Visits(config, folder, runtime or LiveRuntime()) if config.sites else None
    return (
        pipeline
        | "ExtractCandidates" >> ExtractCandidates(config, task.num_shards, aside, live)
        | "WriteCandidates" >> GatherShards(task, complete_shard)
    )
