"""From a stage's name to its Beam pipeline; each `build` below reads like one sentence."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from dalle_model import files
from orchestration.beam.runners import pipeline_options
from orchestration.engine import artifacts as places
from orchestration.engine.config import RunConfig
from pipelines.io.task import StageTask


def run(task: StageTask, config: RunConfig, workers: int, beam_options: Sequence[str]) -> None:
    """Run one stage to its end; raises what the runner raises."""
    options = pipeline_options(workers, beam_options)
    import apache_beam as beam  # a second of CPU: only when a stage really runs

    if workers > 1:
        from orchestration.beam.workers import watch_workers

        watch_workers()

    with ExitStack() as stack:
        keywords = _keywords(task, config, workers, stack)
        pipeline = beam.Pipeline(options=options)
        _build(task.stage)(pipeline, task, **keywords)
        pipeline.run().wait_until_finish()


def codec_of(config: RunConfig, root: str) -> str:
    """The codec of a run: the one trained in it, or the one that the config names."""
    return files.join(root, places.DVAE) if config.dvae is not None else config.encode.codec


def _build(stage: str) -> Any:
    """The stage's `build(pipeline, task, config)`; imports only that stage."""
    match stage:
        case "crawl":
            from pipelines.crawl.pipeline import build as crawl

            return crawl
        case "captions":
            from pipelines.captions.pipeline import build as captions

            return captions
        case "fetch":
            from pipelines.fetch.pipeline import build as fetch

            return fetch
        case "images":
            from pipelines.images.pipeline import build as images

            return images
        case "dedupe":
            from pipelines.dedupe.pipeline import build as dedupe

            return dedupe
        case "encode":
            from pipelines.encode.pipeline import build as encode

            return encode
    raise KeyError(stage)


def _keywords(task: StageTask, config: RunConfig, workers: int, stack: ExitStack) -> dict[str, Any]:
    section = getattr(config, task.stage)
    if task.stage == "encode":
        section = section.model_copy(update={"codec": codec_of(config, task.root)})
    keywords: dict[str, Any] = {"config": section}
    if task.stage == "fetch":
        from pipelines.fetch.config import FetchRuntime

        keywords["runtime"] = FetchRuntime(grant=_web(config, stack), sharers=workers)
    if task.stage == "crawl" and config.crawl.sites:
        from pipelines.crawl.site.config import LiveRuntime

        keywords["runtime"] = LiveRuntime(grant=_web(config, stack))
    return keywords


def _web(config: RunConfig, stack: ExitStack) -> Any:
    """The permission to reach the archive that answers in place of the web, where one does."""
    from pipelines.web.addresses import LoopbackGrant
    from pipelines.web.client import close_shared_clients

    stack.callback(close_shared_clients)
    if config.replay is None:
        return None
    from pipelines.web.replay import replay

    server = stack.enter_context(replay(config.replay.archive))
    return LoopbackGrant(port=server.port, host_suffix=config.replay.hosts)
