"""What a prior takes, counted from its sizes without torch: parameters, operations, bytes."""

from dataclasses import dataclass

from dalle_model.config import PriorConfig

# Letters as in `dalle_model.prior.model`: T text positions, G grid side, I image positions,
# D model width, V text vocabulary, C image codes, L layers.

# Bytes that autograd keeps of a position and channel, of one layer in mixed precision, as
# `tests/dalle_model/prior/test_costs.py` counts them: the stream before each norm in float32 (8);
# in bfloat16 what enters each of the four matrices (2, 2, 2 and, four times as wide, 8), queries,
# keys and values (6), and of the GELU its input, four times as wide (8). A fused kernel of
# attention keeps no scores; on CPUs, short streams keep some.
KEPT_BYTES = 36
INPUT_BYTES = 4  # the stream before a layer, in float32, from which the layer is computed again
HEAD_BYTES = 6  # the stream before the last norm in float32, and behind it in bfloat16
# Of a logit: its log-probability in float32, in whose place its gradient is made, and that in
# bfloat16.
LOGIT_BYTES = 6


@dataclass(frozen=True)
class Parameters:
    """How many parameters a prior has.

    Args:
        matrices: of all layers, 12 D D each.
        vectors: gains of norms, and biases.
        tables: embeddings.
        heads: matrices of the two heads.
    """

    matrices: int
    vectors: int
    tables: int
    heads: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.matrices + self.vectors + self.tables + self.heads


def parameters(config: PriorConfig) -> Parameters:
    """Those of `Prior(config)`."""
    width, layers = config.width, config.layers
    vocabularies = config.text_vocab + config.image_vocab
    return Parameters(
        matrices=layers * 12 * width * width,
        vectors=layers * 13 * width + 2 * width + vocabularies,
        tables=(vocabularies + 2 * config.text_len + 2 * config.grid) * width,
        heads=vocabularies * width,
    )


def stream_len(config: PriorConfig) -> int:
    """Tokens of a caption and its image, T + I."""
    return config.text_len + config.grid**2


def attended_pairs(config: PriorConfig) -> int:
    """Pairs of a query and a key that the masks of all layers leave in a stream."""
    text, images = config.text_len, config.grid**2
    columns = len(range(2, config.layers, 4))
    rows = config.layers - 1 - columns
    of_text = text * (text + 1) // 2 + images * text
    row = sum(min(place, config.grid) + 1 for place in range(images))
    column = sum(place // config.grid + 1 for place in range(images))
    distances = _window(config.grid, config.conv_kernel)
    window = sum(distance <= place for place in range(images) for distance in distances)
    return config.layers * of_text + rows * row + columns * column + window


def matrix_flops(config: PriorConfig) -> int:
    """Floating-point operations of all matrices and heads for a stream, forward and backward.

    A product takes two operations forward, and backward twice as many: 6 for each weight and
    position that it is applied to. Source: Kaplan et al. 2020, section 2.1.
    """
    of_layers = stream_len(config) * parameters(config).matrices
    return 6 * (of_layers + config.width * sum(_logits(config)))


def attention_flops(config: PriorConfig) -> int:
    """The same of scores and of mixed values, where no masked pair is computed."""
    return 12 * config.width * attended_pairs(config)


def flops(config: PriorConfig) -> int:
    """Operations of a stream, forward and backward."""
    return matrix_flops(config) + attention_flops(config)


def kept_bytes(config: PriorConfig) -> int:
    """What autograd keeps of a stream until the backward pass, logits and their gradient too."""
    return config.layers * KEPT_BYTES * _channels(config) + _outer_bytes(config)


def recomputed_bytes(config: PriorConfig) -> int:
    """The same where each layer keeps its input alone, and one layer at a time all it needs."""
    layers = config.layers * INPUT_BYTES + KEPT_BYTES
    return layers * _channels(config) + _outer_bytes(config)


def _outer_bytes(config: PriorConfig) -> int:
    return HEAD_BYTES * _channels(config) + LOGIT_BYTES * sum(_logits(config))


def _channels(config: PriorConfig) -> int:
    return stream_len(config) * config.width


def _logits(config: PriorConfig) -> tuple[int, int]:
    """Those of a stream's text, whose first token is given, and of its image."""
    return (config.text_len - 1) * config.text_vocab, config.grid**2 * config.image_vocab


def _window(grid: int, kernel: int) -> set[int]:
    """Raster distances to the tokens of the last layer's mask."""
    reach = kernel // 2
    above = {up * grid + back for up in range(1, reach + 1) for back in range(-reach, reach + 1)}
    return {distance for distance in above | set(range(reach + 1)) if distance >= 0}
