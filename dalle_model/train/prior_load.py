"""The load of training a prior, counted from its sizes and its settings."""

from dalle_model.config import PriorConfig
from dalle_model.prior import costs
from dalle_model.settings import PairChoice, PriorTraining
from dalle_model.train.costs import FULL, Load


def prior_load(config: PriorConfig, settings: PriorTraining, choice: PairChoice) -> Load:
    """What training a prior works on."""
    counted = costs.parameters(config)
    moments = 1 if settings.optimizer == "muon" else 2  # of each weight of a matrix
    moment_bytes = moments * settings.moment_bits // 8 * counted.matrices
    return Load(
        model=(
            f"prior of {config.layers} layers, {config.heads} heads, width {config.width:,}; "
            f"streams of {config.text_len} + {config.grid**2} tokens"
        ),
        parameters=counted.total,
        matrices=counted.matrices,
        layers=config.layers,
        width=config.width,
        tokens=costs.stream_len(config),
        flops=costs.flops(config),
        attention_flops=costs.attention_flops(config),
        kept_bytes=costs.kept_bytes(config),
        recomputed_bytes=costs.recomputed_bytes(config),
        moment_bytes=moment_bytes + 2 * FULL * (counted.total - counted.matrices),
        is_averaged=settings.ema_decay > 0,
        steps=settings.steps,
        batch_size=settings.batch_size,
        accumulation=settings.accumulation,
        most_rows=_most_rows(choice),
    )


def _most_rows(choice: PairChoice) -> int | None:
    if choice.max_images is None or choice.captions_per_image is None:
        return None
    return choice.max_images * choice.captions_per_image
