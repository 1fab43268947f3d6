"""A trained DALL·E mini: its weights, its text tokenizer, and which codec's codes it predicts."""

from dataclasses import dataclass
from typing import Any

import torch

from dalle_model.checkpoint import CheckpointError, load_checkpoint, load_into, save_checkpoint
from dalle_model.mini.config import MiniConfig
from dalle_model.mini.model import Mini
from dalle_model.mini.text import MiniTokenizer
from dalle_model.prior.trained import CodesOrigin

KIND = "mini"


@dataclass(frozen=True)
class TrainedMini:
    """The content of a checkpoint of kind `mini`.

    Args:
        model: in float32 on the CPU.
        tokenizer: of the captions it reads.
        codes: the codec of the tokens it was trained on.
        metrics: of the training; of converted weights, `converted_from`: files and their SHA-256.
    """

    model: Mini
    tokenizer: MiniTokenizer
    codes: CodesOrigin
    metrics: dict[str, Any]


def save_mini(url: str, trained: TrainedMini, dtype: torch.dtype = torch.float32) -> str:
    """Write everything that sampling needs into one file; returns its SHA-256.

    Args:
        url: to write to.
        trained: what to write.
        dtype: of the weights in the file; `load_mini` gives float32.
    """
    extra = {
        "tokenizer": trained.tokenizer.content.decode(),
        "normalises": trained.tokenizer.normalises,
        "codec_sha256": trained.codes.sha256,
        "metrics": trained.metrics,
    }
    tensors = {name: value.to(dtype) for name, value in trained.model.state_dict().items()}
    return save_checkpoint(url, KIND, tensors, trained.model.config.to_dict(), extra)


def load_mini(url: str) -> TrainedMini:
    """Read a checkpoint that `save_mini` wrote.

    Raises:
        CheckpointError: missing, corrupt, of another kind, architecture or program version.
        VocabError: the tokenizer in it cannot be used.
    """
    checkpoint = load_checkpoint(url, KIND)
    try:
        config = MiniConfig.from_dict(checkpoint.config)
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"{url} has the config of another program version: {str(error)[:200]}; "
            "`dalle train mini` or `dalle convert` makes a new one"
        ) from error
    with torch.device("meta"):  # its initial weights would be drawn for nothing
        model = Mini(config)
    load_into(model.to_empty(device="cpu"), checkpoint, checkpoint.tensors)
    content = str(checkpoint.extra["tokenizer"]).encode()
    tokenizer = MiniTokenizer(content, bool(checkpoint.extra["normalises"]), url)
    codes = CodesOrigin(checkpoint.extra["codec_sha256"], config.grid, config.num_codes)
    return TrainedMini(model.eval(), tokenizer, codes, checkpoint.extra["metrics"])
