"""What `dalle score` finds, as a table for people and as plain data."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dalle_model.evaluate.caption_scores import CaptionScore, OfImage

_DIGITS = 6  # of figures in JSON; chosen: more than float32 gives them
_HEADS = ("nats", "bits a token", "tokens", "caption")
_IMAGE_HEADS = ("rank", "nats", "bits a token", "share", "with p(caption)", "caption")


@dataclass(frozen=True, eq=False)
class Scores:
    """What a prior finds likely.

    Args:
        prior: name of the prior, or of its run.
        captions: those of an image by its likelihood under them, the best first; without an image
            as they were given.
        notes: what else there is to know, for a person.
    """

    prior: str
    captions: "list[CaptionScore]"
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain data; what is not a number is null."""
        return {"prior": self.prior, "captions": [_plain(one) for one in self.captions]}

    def __str__(self) -> str:
        rows = [
            (str(rank), *_image_cells(one.image), one.caption) if one.image else _cells(one)
            for rank, one in enumerate(self.captions, 1)
        ]
        heads = _IMAGE_HEADS if self.captions[0].image else _HEADS
        return "\n".join([*self.notes, *_aligned([heads, *rows])])


def _plain(score: "CaptionScore") -> dict[str, Any]:
    found: dict[str, Any] = _rounded(asdict(score))
    if not score.tokens:
        found["bits_per_token"] = None
    if score.image:
        grid = {"grid": score.image.grid.round(_DIGITS).tolist()}
        found["image"] = _rounded(found["image"]) | grid
    return found


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, _DIGITS) if isinstance(value, float) else value
        for name, value in values.items()
    }


def _image_cells(one: "OfImage") -> tuple[str, ...]:
    shares = (f"{one.share:.4f}", f"{one.share_with_text:.4f}")
    return (f"{one.nats:.2f}", f"{one.bits_per_token:.3f}", *shares)


def _cells(one: "CaptionScore") -> tuple[str, ...]:
    return (f"{one.nats:.2f}", f"{one.bits_per_token:.3f}", str(one.tokens), one.caption)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns of numbers, and the text behind them."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([cell.rjust(width) for cell, width in zip(row[:-1], widths, strict=False)])
        + f"  {row[-1]}"
        for row in rows
    ]
