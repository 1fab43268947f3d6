"""`python -m tools.quality_sample`: how often the scorers of `quality` are right, beside chance.

The sample is made anew each time, from what packages bring; none of it ships. Needs the extra
`quality`, scikit-learn, matplotlib for its fonts, and scikit-image, of which data alone are read:
`pip install --no-deps scikit-image==0.26.0`.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from dalle_model.pixels import Rgb
from dalle_model.resize import square
from pipelines.quality.registry import registry
from pipelines.quality.scorer import Score, Stored, Values
from tools.quality_sample.accuracy import agreement
from tools.quality_sample.sample import (
    SIDE,
    Labelled,
    background,
    blank_sample,
    face_sample,
    text_sample,
)
from tools.quality_sample.sources import patches, photographs, portraits

NUMBER = 100  # images with the thing, and as many without
STORED_SIDES = (64, 128, 256)  # pixels, that of the sample last
TEXT_SIDES = (256, 480, 736)  # others than the default
THRESHOLDS = (0.3, 0.7)
_FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSansMono")

Answer = Callable[[Values], tuple[float, bool]]


def main() -> None:
    """Print a Markdown table of each scorer, and what is known of `nsfw`."""
    scenes, (faces, others) = photographs(), patches()
    print("| scorer | setting | px | found | wrongly | accuracy | chance | area | per CPU s |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    _row("plain", {}, blank_sample(scenes, NUMBER), _is_blank)
    text = text_sample(scenes, _font_files(), NUMBER)
    pasted = face_sample(scenes, faces, others, NUMBER)
    for stored in STORED_SIDES:
        _row("text", {}, _of_side(text, stored), _has("text_area"))
        _row("faces", {}, _of_side(pasted, stored), _has("faces"))
    for side in TEXT_SIDES:
        _row("text", {"side": side}, text, _has("text_area"))
    for threshold in THRESHOLDS:
        _row("faces", {"threshold": threshold}, pasted, _has("faces"))
    _count_faces(pasted)
    _safe_photographs(scenes)


def _of_side(sample: list[Labelled], side: int) -> list[Labelled]:
    """The same as images stored at another side."""
    return [Labelled(square(one.rgb, side, "lanczos"), one.count) for one in sample]


def _row(name: str, settings: dict[str, Any], sample: list[Labelled], answer: Answer) -> None:
    score = _loaded(name, settings)
    score(_stored(sample[0].rgb))
    began = time.process_time()
    pairs = [answer(score(_stored(one.rgb))) for one in sample]
    rate = len(sample) / (time.process_time() - began)
    scores, answers = zip(*pairs, strict=True)
    found = agreement(scores, answers, [one.count > 0 for one in sample])
    shares = " | ".join(f"{share:.2f}" for share in found)
    words = ", ".join(f"`{one}: {value}`" for one, value in settings.items()) or "the defaults"
    stored = sample[0].rgb.shape[0]
    print(f"| `{name}` | {words} | {stored} | {shares} | {rate:.1f} |", flush=True)


def _count_faces(sample: list[Labelled]) -> None:
    score = _loaded("faces", {})
    right = [score(_stored(one.rgb))["faces"] == one.count for one in sample if one.count]
    print(f"\nOf images with one to three faces, {np.mean(right):.2f} have their number told.")
    found = [score(_stored(_shrunk(rgb)))["faces"] for rgb in portraits()]
    print(f"Two portraits of one face each: {found} found.")


def _safe_photographs(scenes: Sequence[Rgb]) -> None:
    score, rng = _loaded("nsfw", {}), np.random.default_rng(3)
    images = [background(scenes, rng) for _ in range(NUMBER)]
    images += [_shrunk(rgb) for rgb in portraits()]
    scores = np.asarray([score(_stored(rgb))["nsfw"] for rgb in images])
    above = ", ".join(f"{np.mean(scores > limit):.2f} above {limit}" for limit in (0.1, 0.3, 0.5))
    print(f"\n`nsfw` of {len(images)} safe photographs: median {np.median(scores):.4f}, highest "
          f"{scores.max():.3f}; {above}.")  # fmt: skip


def _loaded(name: str, settings: dict[str, Any]) -> Score:
    (scorer,) = (one for one in registry() if one.name == name)
    weights = b"" if scorer.weights is None else scorer.weights.read()
    return scorer.load(scorer.config.model_validate(settings), weights)


def _has(column: str) -> Answer:
    return lambda values: (float(values[column]), values[column] > 0)


def _is_blank(values: Values) -> tuple[float, bool]:
    (scorer,) = (one for one in registry() if one.name == "plain")
    failed = any(not check.passed for check in scorer.checks(values, scorer.config()))
    return values["blankness"] - values["entropy"], failed


def _stored(rgb: Rgb) -> Stored:
    return Stored(rgb, rgb.size, rgb.shape[1], rgb.shape[0])


def _shrunk(rgb: Rgb) -> Rgb:
    return square(rgb, SIDE, "lanczos")


def _font_files() -> list[Path]:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return [folder / f"{name}.ttf" for name in _FONTS]


if __name__ == "__main__":
    main()
