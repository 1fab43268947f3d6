"""A CLIP that was trained here: weights, sizes, preprocessing and text tokenizer in one file."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dalle_model.checkpoint import load_checkpoint, load_into, save_checkpoint
from dalle_model.clip.architecture import Architecture
from dalle_model.clip.clip_scorer import ClipScorer
from dalle_model.vocab import CaptionTokenizer

# Shape letters: N captions, T text positions.

KIND = "clip"


@dataclass(frozen=True)
class TrainedClip:
    """The content of a checkpoint of kind `clip`.

    Args:
        model: of open_clip, in float32 on the CPU.
        architecture: of the model.
        tokenizer: of the captions it reads.
        metrics: of the training.
    """

    model: nn.Module
    architecture: Architecture
    tokenizer: CaptionTokenizer
    metrics: dict[str, Any]

    def scorer(self) -> ClipScorer:
        """It as a scorer."""
        length = int(self.architecture.model["text_cfg"]["context_length"])
        transform = self.architecture.transform()
        return ClipScorer(
            self.model, transform, lambda texts: text_ids(self.tokenizer, texts, length)
        )


def text_ids(
    tokenizer: CaptionTokenizer,
    captions: list[str],
    text_len: int,
    dropout: float = 0.0,
    seed: int = 0,
) -> Tensor:
    """Captions as a text tower of open_clip reads them.

    The id after the vocabulary ends a caption and fills the row. It is the highest there is: the
    first of them is where open_clip reads the caption's features (`pool_type: argmax`), and what
    comes after it is hidden by the causal mask.

    Returns:
        int64 `(N, T)`: start of text, caption, at least one end; of a long caption the beginning.
    """
    end = tokenizer.size
    ids_NT = torch.from_numpy(tokenizer.encode_batch(captions, text_len, end, dropout, seed))
    ids_NT[:, -1] = end  # where the prior has its start of image
    return ids_NT


def save_clip(url: str, trained: TrainedClip, dtype: torch.dtype = torch.float32) -> str:
    """Write everything that scoring needs into one file; returns its SHA-256.

    Args:
        url: to write to.
        trained: what to write.
        dtype: of the weights in the file; `load_clip` gives float32.
    """
    extra = {"tokenizer": trained.tokenizer.content.decode(), "metrics": trained.metrics}
    config = {
        "model": dict(trained.architecture.model),
        "preprocess": dict(trained.architecture.preprocess),
    }
    tensors = {name: value.to(dtype) for name, value in trained.model.state_dict().items()}
    return save_checkpoint(url, KIND, tensors, config, extra)


def load_clip(url: str) -> TrainedClip:
    """Read a checkpoint that `save_clip` wrote.

    Raises:
        CheckpointError: missing, corrupt, of another kind or architecture.
        VocabError: the tokenizer in it cannot be used.
    """
    checkpoint = load_checkpoint(url, KIND)
    architecture = Architecture(url, checkpoint.config["model"], checkpoint.config["preprocess"])
    model = architecture.build()
    load_into(model, checkpoint, checkpoint.tensors)
    tokenizer = CaptionTokenizer(str(checkpoint.extra["tokenizer"]).encode(), url)
    return TrainedClip(model.eval(), architecture, tokenizer, checkpoint.extra["metrics"])
