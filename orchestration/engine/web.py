"""What stands in for the web while a stage is at work, where the config says so."""

from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.engine.config import RunConfig
from pipelines.stage import Stage
from pipelines.web.addresses import LoopbackAllowance


@contextmanager
def web_of(config: RunConfig, stage: Stage) -> Iterator[LoopbackAllowance | None]:
    """Serve the archive of `replay` to a stage that asks the web, until the block ends.

    Yields:
        The permission to reach it; None where the stage asks the web itself, or none.

    Raises:
        ArchiveError: the archive cannot be read.
    """
    if not stage.resources.needs_web(config.section(stage)):
        yield None
        return
    from pipelines.web.client import close_shared_clients
    from pipelines.web.replay import replay

    try:
        if config.replay is None:
            yield None
            return
        with replay(config.replay.archive) as server:
            yield LoopbackAllowance(port=server.port, host_suffix=config.replay.hosts)
    finally:
        close_shared_clients()
