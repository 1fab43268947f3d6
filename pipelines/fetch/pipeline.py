"""The fetch stage as one sentence, or as two: where there is one process, it has all hosts."""

from functools import partial

from apache_beam.pvalue import PCollection

from pipelines.fetch.shard import complete_shard, fetch_shard
from pipelines.fetch.transforms import FetchByHost
from pipelines.io.task import ShardReport
from pipelines.io.transforms import AllShards, GatherShards, ProcessShards, Shards, Tasks
from pipelines.stage import Job


def build(tasks: Tasks, job: Job) -> PCollection[ShardReport]:
    """Fetch the images of every pending shard; both ways give the same rows.

    One process fetches shard by shard, and needs a second copy of the bytes of one shard at most.
    It cannot where a limit is one of a host in the whole run.
    """
    config, runtime = job.config, job.runtime
    is_limited = config.max_images_per_host is not None or config.deadline_s is not None
    if runtime.is_one_process and not is_limited:
        work = partial(fetch_shard, config=config, runtime=runtime)
        return tasks | Shards() | "FetchShards" >> ProcessShards(tasks, work)
    # which images are within a budget depends on all shards, whichever are still to do
    needs_all = config.max_images_per_host is not None and not job.task.retried
    return (
        tasks
        | (AllShards() if needs_all else Shards())
        | "FetchByHost" >> FetchByHost(tasks, config, runtime)
        | "WriteFetched" >> GatherShards(tasks, partial(complete_shard, config=config))
    )
