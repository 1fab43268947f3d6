"""A training step of the prior against DALLE-pytorch's, at as many parameters.

It takes part where it can be imported (`pip install --no-deps --target FOLDER dalle-pytorch==1.6.6
axial-positional-embedding einops ftfy rotary-embedding-torch g-mlp-pytorch transformers omegaconf
antlr4-python3-runtime==4.9.3 wcwidth DALL-E`, then PYTHONPATH). Modules that it imports at its
start for tokenizers and VQGANs, and that no step uses, are replaced: some no longer install.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.measure import Row, race, speed
from dalle_model.config import PriorConfig
from dalle_model.prior.masks import MaskKind, layer_kinds
from dalle_model.settings import PriorTraining
from dalle_model.train.place import ALONE
from dalle_model.train.prior_task import PriorTask
from dalle_model.train.state import begin
from dalle_model.train.step import train_step

ATTENTION = {
    MaskKind.ROW: "axial_row",
    MaskKind.COLUMN: "axial_col",
    MaskKind.CONVOLUTION: "conv_like",
}
CLIP_NORM = 4.0
STANDS_IN: dict[str, dict[str, Any]] = {
    "pkg_resources": {"get_distribution": lambda _: SimpleNamespace(version="")},
    "youtokentome": {"BPE": object},
    "taming": {},
    "taming.models": {},
    "taming.models.vqgan": {"VQModel": object, "GumbelVQ": object},
}


@dataclass(frozen=True)
class Size:
    """Of both models.

    Args:
        text_len: text positions.
        grid: image tokens along one edge.
        text_vocab: text tokens.
        image_vocab: codes.
        layers: of ours, a multiple of 4; the peer has three for four, since its MLP is gated and
            has 12 D D parameters where ours has 8.
        heads: of 64 channels.
        batch: rows of a step.
    """

    text_len: int
    grid: int
    text_vocab: int
    image_vocab: int
    layers: int
    heads: int
    batch: int


SIZES = {
    "demo's vocabularies": (Size(64, 16, 1024, 1024, 8, 4, 4), Size(256, 32, 1024, 1024, 8, 4, 1)),
    "paper's vocabularies": (
        Size(64, 16, 16384, 8192, 8, 4, 4),
        Size(256, 32, 16384, 8192, 8, 4, 1),
    ),
}


def measure() -> list[Row]:
    """Tokens per CPU-second; no rows where the peer is not installed."""
    torch.set_num_threads(1)
    if find_spec("dalle_pytorch") is None:
        return []
    return [_compare(name, size) for name, sizes in SIZES.items() for size in sizes]


def _compare(name: str, size: Size) -> Row:
    torch.manual_seed(0)
    image = torch.randint(size.image_vocab, (size.batch, size.grid**2))
    text = torch.randint(1, size.text_vocab, (size.batch, size.text_len))  # no padding
    (ours, own_number), (peer, number) = _ours(size, text, image), _peer(size, text, image)
    tokens = size.batch * (size.text_len + size.grid**2)
    return speed(
        f"Training step, {size.text_len} + {size.grid**2} tokens, {name}",
        "tokens",
        "peer: DALLE-pytorch 1.6.6, row, column and convolution layers",
        tokens,
        race(ours, peer),
        f"{own_number / 1e6:.1f} and {number / 1e6:.1f} million parameters",
    )


def _ours(size: Size, text: Tensor, image: Tensor) -> tuple[Callable[[], None], int]:
    """A whole step: forward, backward, norm, clipping, AdamW; and the number of parameters."""
    config = PriorConfig(
        text_vocab=size.text_vocab,
        text_len=size.text_len,
        image_vocab=size.image_vocab,
        grid=size.grid,
        layers=size.layers,
        heads=size.heads,
        conv_kernel=5,  # the peer's
    )
    settings = PriorTraining(
        steps=1000, batch_size=size.batch, precision="float32", ema_decay=0.0, clip_norm=CLIP_NORM
    )
    state = begin(PriorTask(config, settings), settings, ALONE)
    keys = [str(number) for number in range(size.batch)]
    batch = {"text": text, "image_tokens": image, "key": keys, "next_position": 0}
    return lambda: train_step(state, settings, batch), _parameters(state.task.model)


def _peer(size: Size, text: Tensor, image: Tensor) -> tuple[Callable[[], None], int]:
    """The same of the peer, its loop as its `train_dalle.py` has it, with the optimiser of ours."""
    peer = _import_peer()
    depth = size.layers * 3 // 4
    vae = peer.DiscreteVAE(
        image_size=2 * size.grid, num_layers=1, num_tokens=size.image_vocab, codebook_dim=8,
        hidden_dim=8,
    )  # fmt: skip
    model = peer.DALLE(
        dim=64 * size.heads,
        vae=vae,
        num_text_tokens=size.text_vocab,
        text_seq_len=size.text_len,
        depth=depth,
        heads=size.heads,
        dim_head=64,
        attn_types=tuple(ATTENTION[kind] for kind in layer_kinds(depth)),
        shift_tokens=False,
    )
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, fused=True)

    def step() -> None:
        model(text, image, return_loss=True).backward()
        nn.utils.clip_grad_norm_(weights, CLIP_NORM)
        optimizer.step()
        optimizer.zero_grad()

    return step, sum(weight.numel() for weight in weights)


def _import_peer() -> Any:
    """The module, with stand-ins for those of its imports that no step uses."""
    for name, values in STANDS_IN.items():
        module = ModuleType(name)
        vars(module).update(values)
        sys.modules.setdefault(name, module)
    return import_module("dalle_pytorch")


def _parameters(model: nn.Module) -> int:
    return sum(weight.numel() for weight in model.parameters())
