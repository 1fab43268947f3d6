"""What draws: a prior with the codec of its tokens, of a run or by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dalle_model import files
from dalle_model.errors import DalleError
from dalle_model.shards import ShardError
from orchestration.engine.config import load_run_config
from orchestration.engine.graph import Graph
from pipelines.io.layout import RunFolder
from pipelines.records import CODEC, PRIOR

if TYPE_CHECKING:
    from dalle_model.prior.trained import TrainedPrior
    from dalle_model.tokenizers.codec import Codec


class NoPriorError(DalleError):
    """There is nothing to draw from: where, and the command that makes it."""


@dataclass(frozen=True)
class Source:
    """A prior, and the codec that decodes what it samples.

    Args:
        name: of the prior or the run, as it was given.
        trained: the prior.
        codec: the one that made the tokens of its training.
    """

    name: str
    trained: "TrainedPrior"
    codec: "Codec"


def load_sources(priors: Sequence[str], root: str) -> list[Source]:
    """The priors, each by itself; or where there are none, that of a run.

    Raises:
        NoPriorError: the run has none, or a prior's codec does not ship.
        CheckpointError: a prior or a codec cannot be used.
    """
    return [_by_itself(prior) for prior in priors] if priors else [_of_run(root)]


def _of_run(root: str) -> Source:
    from dalle_model.prior.trained import check_codec, load_prior
    from dalle_model.tokenizers.registry import load_codec

    graph, run = opened(root)
    url = graph.url(PRIOR, run)
    if url is None or not files.exists(url):
        raise NoPriorError(f"{root} has no prior; `dalle train prior` makes one")
    codec, trained = load_codec(codec_url(graph, run)), load_prior(url)
    check_codec(url, trained.codes, codec.facts)
    return Source(root, trained, codec)


def _by_itself(prior: str) -> Source:
    """`world` for the one that ships, or the URL of one of codes of a shipped codec."""
    from dalle_model.prior.shipped import prior_url
    from dalle_model.prior.trained import load_prior
    from dalle_model.tokenizers.registry import load_codec, shipped_codec

    trained = load_prior(prior_url(prior))
    codec = shipped_codec(trained.codes.sha256)
    if codec is None:
        raise NoPriorError(
            f"{prior} was trained on codes of the codec {trained.codes.sha256[:12]}, which does "
            "not ship; name the directory of its run with --dir"
        )
    return Source(prior, trained, load_codec(codec))


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
