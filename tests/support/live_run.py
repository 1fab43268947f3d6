"""The crawl stage on the sites of a test, for a process of its own that can be killed."""

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.pipeline import build
from pipelines.crawl.site.config import Site
from pipelines.io.task import StageTask
from pipelines.web.addresses import LoopbackAllowance
from tests.support.beam_tasks import tasks
from tests.support.site import SUFFIX


def main(port: str, folder: str, start: str, delay_s: str, *options: str) -> None:
    site = Site(
        start=(start,), scope="same_site", max_depth=3, max_redirects=0, delay_s=float(delay_s)
    )
    task = StageTask(folder, "crawl", 2, "attempt", "fingerprint", (0, 1))
    loopback = LoopbackAllowance(int(port), SUFFIX)
    with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner", *options])) as pipeline:
        build(tasks(pipeline, task), task, CrawlConfig(sites=(site,)), loopback)
