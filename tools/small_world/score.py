"""Judge a prior by captions of the small world: `python -m tools.small_world.score PACKAGES PRIOR`.

Prints a table and writes `OUT/scores.json` and `OUT/samples.png`. A sample is judged by the nearest
of all original emoji; one of rendered shapes by a checker that reads the image.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dalle_model.evaluate.attributes import chance, score_attributes
from dalle_model.evaluate.likelihood import likeliest
from dalle_model.evaluate.shapes import shows
from dalle_model.pixels import Rgb
from dalle_model.prior.shipped import prior_url
from dalle_model.prior.trained import TrainedPrior, load_prior
from dalle_model.sample.grid import tiled_grid
from dalle_model.sample.images import draw_images
from dalle_model.settings import SampleSettings
from dalle_model.tokenizers.codec import Codec
from dalle_model.tokenizers.registry import load_codec
from tools.small_world.make_world import world
from tools.small_world.questions import Question, questions
from tools.small_world.things import Thing, captions, fraction

MOST_OF_A_CAPTION = 8  # samples; chosen: so that chance averages out where captions are few
RENDERED = ("count", "relation")
Scores = dict[str, Any]
Reconstruct = Callable[[Rgb], Rgb]


def draw(
    trained: TrainedPrior,
    codec: Codec,
    asked: Sequence[Question],
    most: int,
    settings: SampleSettings,
) -> tuple[list[Question], Rgb]:
    """Samples of all captions, several of each where a kind and part has few of them."""
    parts: dict[tuple[str, str], list[Question]] = defaultdict(list)
    for question in asked:
        parts[question.kind, question.asked].append(question)
    drawn: list[Question] = []
    images: list[Rgb] = []
    for own in parts.values():
        number = min(MOST_OF_A_CAPTION, max(1, most // len(own)))
        texts = [question.caption for question in own]
        images += list(draw_images(trained, codec, texts, number, settings))
        drawn += [question for question in own for _ in range(number)]
    return drawn, np.concatenate(images)


def scores(
    asked: Sequence[Question], samples: Rgb, things: Sequence[Thing], reconstruct: Reconstruct
) -> Scores:
    """By kind and part: samples, the ceiling that the codec sets, shuffled captions, and chance."""
    parts = dict.fromkeys((question.kind, question.asked) for question in asked)
    found: Scores = {}
    for kind, part in parts:
        chosen = [i for i, q in enumerate(asked) if (q.kind, q.asked) == (kind, part)]
        judge = _shapes if kind in RENDERED else _emoji
        own = [asked[i].thing for i in chosen]
        found[f"{kind}, {part}"] = judge(samples[chosen], own, things, reconstruct)
    return found


def _emoji(
    samples: Rgb, own: Sequence[int], things: Sequence[Thing], reconstruct: Reconstruct
) -> Scores:
    """The gallery is all emoji, in both styles."""
    emoji = [thing for thing in things if thing.kind not in RENDERED]  # they come first
    gallery = np.stack([thing.image for thing in emoji])
    described = [thing.attributes | {"style": thing.style} for thing in emoji]
    judged = {
        "samples": samples,
        "ceiling": reconstruct(gallery[list(own)]),
        "shuffled": np.roll(samples, len(samples) // 2, axis=0),
    }
    found = {n: score_attributes(one, own, gallery, described) for n, one in judged.items()}
    return {n: asdict(one) for n, one in (found | {"chance": chance(own, described)}).items()}


def _shapes(
    samples: Rgb, own: Sequence[int], things: Sequence[Thing], reconstruct: Reconstruct
) -> Scores:
    """Shares of images in which the checker finds what the caption says."""
    true = np.stack([things[index].image for index in own])
    judged = {
        "samples": samples,
        "true images": true,
        "ceiling": reconstruct(true),
        "shuffled": np.roll(samples, len(samples) // 2, axis=0),
    }
    attributes = [things[index].attributes for index in own]
    return {
        name: {
            "samples": len(images),
            "own": float(np.mean([shows(i, a) for i, a in zip(images, attributes, strict=True)])),
        }
        for name, images in judged.items()
    }


def as_classifier(
    trained: TrainedPrior, codec: Codec, own: Sequence[int], things: Sequence[Thing]
) -> Scores:
    """How often a person's own caption is the likeliest of all genders and tones of the role."""
    people = [thing.attributes for thing in things if thing.kind == "person"]
    names = ("gender", "tone")
    values = [list(dict.fromkeys(one[name] for one in people)) for name in names]
    others = [dict(zip(names, pair, strict=True)) for pair in product(*values)]
    chosen = [things[index] for index in own]
    text = [
        [next(captions(replace(one, attributes=one.attributes | other), 0)) for other in others]
        for one in chosen
    ]
    codes = codec.encode(np.stack([one.image for one in chosen])).astype(np.int64)
    config, flat = trained.prior.config, [caption for row in text for caption in row]
    ids = trained.tokenizer.encode_batch(flat, config.text_len, config.text_vocab)
    tokens = torch.from_numpy(ids).reshape(len(chosen), len(others), -1)
    found = [others[k] for k in likeliest(trained.prior, tokens, torch.from_numpy(codes))]
    pairs = list(zip(found, chosen, strict=True))
    shares = {n: float(np.mean([f[n] == c.attributes[n] for f, c in pairs])) for n in names}
    exact = float(np.mean([all(f[n] == c.attributes[n] for n in names) for f, c in pairs]))
    return {"samples": len(chosen), "own": exact, "attributes": shares, "chance": 1 / len(others)}


def _mixed(asked: Sequence[Question], parts: Sequence[str], number: int) -> list[int]:
    """Numbers of questions for a picture: kinds in turn, as often as people are."""
    chosen = [i for i, q in enumerate(asked) if q.asked in parts]
    return sorted(chosen, key=lambda i: fraction("shown", asked[i].caption))[:number]


def main() -> None:
    """Sample, judge, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", type=Path, help="folder with the unpacked packages")
    parser.add_argument("prior", help="`world`, or the checkpoint of another")
    parser.add_argument("--out", type=Path, default=Path(), help="folder to write to")
    parser.add_argument("--most", type=int, default=300, help="captions of a kind and part")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--guidance", type=float, default=1.0)
    args = parser.parse_args()
    codec, trained = load_codec("demo"), load_prior(prior_url(args.prior))
    things = world(args.packages)
    asked = questions(things, args.most)
    settings = SampleSettings(temperature=args.temperature, guidance=args.guidance)
    asked, samples = draw(trained, codec, questions(things, args.most), args.most, settings)

    def reconstruct(images: Rgb) -> Rgb:
        return codec.decode(codec.encode(images))

    found = scores(asked, samples, things, reconstruct)
    people = [q.thing for q in asked if (q.kind, q.asked) == ("person", "combination")]
    noto = [index for index in people if things[index].style == "noto"]
    found["person, combination, likelihood"] = as_classifier(trained, codec, noto[:100], things)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "scores.json").write_text(json.dumps(found, indent=1))
    shown = _mixed(asked, ("combination",), 64)
    true = np.stack([things[asked[i].thing].image for i in shown])
    texts = [asked[i].caption for i in shown]
    sheet = tiled_grid([true, reconstruct(true), samples[shown]], texts, across=5)
    sheet.save(args.out / "samples.png")
    np.savez_compressed(args.out / "samples.npz", samples=samples)
    for name, one in found.items():
        own = {n: round(v["own"], 3) for n, v in one.items() if isinstance(v, dict) and "own" in v}
        print(name, one.get("samples") if not own else one["samples"], own)


if __name__ == "__main__":
    main()
