"""What draws by a DALL·E mini: a checkpoint with the codec of its tokens, of a run or by itself."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dalle_model import files
from orchestration.drawing.sources import NoPriorError, codec_url, opened
from pipelines.records import MINI

if TYPE_CHECKING:
    from dalle_model.mini.trained import TrainedMini
    from dalle_model.tokenizers.codec import Codec


@dataclass(frozen=True)
class MiniSource:
    """A mini, and the codec that decodes what it draws.

    Args:
        name: of the checkpoint or the run, as it was given.
        trained: the mini.
        codec: the one that made the tokens of its training.
    """

    name: str
    trained: "TrainedMini"
    codec: "Codec"


def load_mini_source(checkpoint: str, root: str, codec: str) -> MiniSource:
    """A checkpoint by itself, or where none is named that of a run.

    Args:
        checkpoint: URL; empty for that of the run.
        root: directory of the run.
        codec: name or URL; by default that of the run, or the shipped one that the checkpoint
            names.

    Raises:
        NoPriorError: there is no mini, or no codec for it.
        CheckpointError: one of them cannot be used, or they do not belong together.
    """
    from dalle_model.mini.trained import load_mini
    from dalle_model.prior.trained import check_codec
    from dalle_model.tokenizers.registry import load_codec, shipped_codec

    url = checkpoint or _of_run(root)
    trained = load_mini(url)
    name = codec or ("" if checkpoint else codec_url(*opened(root)))
    name = name or shipped_codec(trained.codes.sha256) or ""
    if not name:
        raise NoPriorError(
            f"{url} was trained on codes of the codec {trained.codes.sha256[:12]}, which does not "
            "ship; name it with --codec, or the directory of its run with --dir"
        )
    loaded = load_codec(name)
    check_codec(url, trained.codes, loaded.facts, "mini")
    return MiniSource(checkpoint or root, trained, loaded)


def _of_run(root: str) -> str:
    graph, run = opened(root)
    url = graph.url(MINI, run)
    if url is None or not files.exists(url):
        raise NoPriorError(f"{root} has no DALL·E mini; `dalle train mini` makes one")
    return url
