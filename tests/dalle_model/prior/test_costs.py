"""What is counted from sizes alone is what the model has, computes and keeps."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from dalle_model.config import PRIOR_PRESETS, PriorConfig
from dalle_model.prior.costs import (
    LOGIT_BYTES,
    attended_pairs,
    attention_flops,
    flops,
    kept_bytes,
    matrix_flops,
    parameters,
    recomputed_bytes,
    stream_len,
)
from dalle_model.prior.loss import stream_loss
from dalle_model.prior.masks import layer_kinds, stream_mask
from dalle_model.prior.model import Prior, num_parameters
from dalle_model.prior.pattern import Pattern

SMALL = PriorConfig(
    text_vocab=64, text_len=44, image_vocab=32, grid=16, layers=2, heads=4, conv_kernel=5
)
ODD = PriorConfig(
    text_vocab=70, text_len=5, image_vocab=9, grid=3, layers=7, heads=3, head_dim=8, conv_kernel=7
)
PAPER = PRIOR_PRESETS["paper"]


def prior_of(config: PriorConfig, device: str = "meta") -> Prior:
    with torch.device(device):
        return Prior(config)


@pytest.mark.parametrize("config", [*PRIOR_PRESETS.values(), SMALL, ODD])
def test_parameters_are_those_of_the_model(config):
    prior, counted = prior_of(config), parameters(config)
    assert counted.total == num_parameters(prior)
    blocks = [weight for block in prior.blocks for weight in block.parameters()]
    assert counted.matrices == sum(weight.numel() for weight in blocks if weight.ndim == 2)
    tables = prior.embedding.parameters()
    assert counted.tables == sum(weight.numel() for weight in tables)


def test_the_paper_s_prior_has_12_billion_parameters():
    counted = parameters(PAPER)
    assert counted.total == 12_292_833_024
    assert counted.matrices == 12_092_178_432 == 12 * 3968**2 * 64


@pytest.mark.parametrize("config", [SMALL, ODD, replace(SMALL, layers=1, grid=4)])
def test_pairs_are_those_that_the_masks_leave(config):
    kinds = layer_kinds(config.layers)
    masks = [stream_mask(k, config.text_len, config.grid, config.conv_kernel) for k in kinds]
    assert attended_pairs(config) == sum(int(mask.sum()) for mask in masks)


def test_the_paper_s_masks_leave_a_fifth_of_all_pairs():
    density = attended_pairs(PAPER) / PAPER.layers / stream_len(PAPER) ** 2
    assert density == pytest.approx(0.198, abs=0.001)


@pytest.mark.parametrize(
    ("preset", "gflop"), [("paper", 73.6), ("1.4b", 8.47), ("350m", 1.95), ("small", 0.19)]
)
def test_a_token_takes_six_operations_a_weight_and_what_its_masks_leave(preset, gflop):
    """Counted by hand: 6 N, the heads, and 12 L D S of attention times the density of its masks."""
    config = PRIOR_PRESETS[preset]
    assert flops(config) / stream_len(config) / 1e9 == pytest.approx(gflop, rel=0.03)


def test_operations_of_matrices_are_those_of_the_layers_that_are_called():
    prior, counted = prior_of(ODD), []

    def count(layer: nn.Linear, _inputs: object, output: torch.Tensor) -> None:
        counted.append(2 * output.numel() * layer.in_features)

    for layer in prior.modules():
        if isinstance(layer, nn.Linear):
            layer.register_forward_hook(count)
    text = torch.zeros(1, ODD.text_len, dtype=torch.long, device="meta")
    prior(text, torch.zeros(1, ODD.grid**2, dtype=torch.long, device="meta"))
    assert 3 * sum(counted) == matrix_flops(ODD)
    assert flops(ODD) - matrix_flops(ODD) == attention_flops(ODD)


def saved_bytes(config: PriorConfig, rows: int) -> int:
    """What autograd keeps between forward and backward, weights left out."""
    prior = prior_of(config, "cpu")
    weights = {weight.shape for weight in prior.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if not {tensor.shape, tensor.T.shape if tensor.ndim == 2 else None} & weights:
            kept.setdefault(tensor.untyped_storage().data_ptr(), tensor)
        return tensor

    text = torch.zeros(rows, config.text_len, dtype=torch.long)
    image = torch.zeros(rows, config.grid**2, dtype=torch.long)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = prior(text, image)
        stream_loss(logits[0], logits[1], text, image)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def test_a_further_stream_takes_what_autograd_keeps_of_it(monkeypatch):
    """With a fused kernel of attention, which a graphics card has for every mask."""

    def attend(_pattern: Pattern, qkv: torch.Tensor) -> torch.Tensor:
        queries, keys, values = qkv.transpose(1, 3).unbind(2)
        return scaled_dot_product_attention(queries, keys, values).transpose(1, 2)

    monkeypatch.setattr(Pattern, "attend", attend)
    logits = (SMALL.text_len - 1) * SMALL.text_vocab + SMALL.grid**2 * SMALL.image_vocab
    gone = (LOGIT_BYTES - 4) * logits  # of a logit, autograd keeps the log-probability alone
    kept = saved_bytes(SMALL, rows=2) - saved_bytes(SMALL, rows=1)
    assert kept_bytes(SMALL) - gone == pytest.approx(kept, rel=0.04)


def test_recomputation_keeps_the_input_of_each_layer():
    deeper = replace(PAPER, layers=65)
    inputs = 4 * stream_len(PAPER) * PAPER.width
    assert recomputed_bytes(deeper) - recomputed_bytes(PAPER) == inputs
    assert recomputed_bytes(PAPER) < kept_bytes(PAPER) / 7
