"""The crawl stage: web archives, pages and tables become candidates."""

from apache_beam import Pipeline
from apache_beam.pvalue import PCollection

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.transforms import ExtractCandidates
from pipelines.io.stage import ShardReport, StageTask
from pipelines.io.transforms import WriteShards
from pipelines.records import CANDIDATE_SCHEMA


def build(pipeline: Pipeline, task: StageTask, config: CrawlConfig) -> PCollection[ShardReport]:
    """Add the stage to a pipeline.

    Raises:
        MissingInputError: a source of the config has no file.
    """
    return (
        pipeline
        | "ExtractCandidates" >> ExtractCandidates(config, task.num_shards)
        | "WriteCandidates" >> WriteShards(task, CANDIDATE_SCHEMA)
    )
