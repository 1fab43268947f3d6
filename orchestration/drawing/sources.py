"""What draws: the prior of a run with the codec of its tokens."""

from dalle_model.errors import DalleError
from dalle_model.shards import ShardError
from orchestration.engine.config import load_run_config
from orchestration.engine.graph import Graph
from pipelines.io.layout import RunFolder
from pipelines.records import CODEC


class NoPriorError(DalleError):
    """There is nothing to draw from: where, and the command that makes it."""


def opened(root: str) -> tuple[Graph, RunFolder]:
    """The stages of a run as its config has them, and its directory."""
    config = load_run_config(root)
    return Graph.of(config), RunFolder(root, config.num_shards)


def codec_url(graph: Graph, run: RunFolder) -> str:
    """URL of the codec of a run's tokens."""
    url = graph.url(CODEC, run)
    if url is None:
        raise ShardError(f"{run.url} has no codec; a run with the stage `encode` names one")
    return url
