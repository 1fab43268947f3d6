"""Scorers of images: each on photographs of 256 px, against a peer or its network alone.

One image at a time on one thread, as in a run. `deface` reads its network by OpenCV, which it falls
back on without the library onnx; img2dataset's blurrer is given the same boxes.
"""

from collections.abc import Callable

import numpy as np

from benchmarks.measure import Contestant, Row, Seconds, race, speed
from dalle_model.blur import WHOLE, blur_boxes
from dalle_model.pixels import Floats, Rgb, from_stored, to_png
from dalle_model.resize import square
from pipelines.quality.registry import registry
from pipelines.quality.scorer import Scorer, Stored
from pipelines.quality.scorers import nsfw, text
from pipelines.quality.session import open_session
from tests.support.photographs import photograph

NUM_IMAGES = 32
SIDE = 256
BOX = (0.3, 0.2, 0.6, 0.6)  # of the image; chosen: a face as in a portrait
ALONE = "floor: its network alone"


def measure() -> list[Row]:
    """Images per CPU-second."""
    images = [square(np.asarray(photograph(seed)), SIDE, "lanczos") for seed in range(NUM_IMAGES)]
    return [
        _plain(images),
        _scorer("nsfw", images, nsfw.prepared),
        _scorer("text", images, lambda rgb: text.prepared(rgb, text.TextConfig().side)),
        _faces(images),
        _blur(images),
    ]


def _plain(images: list[Rgb]) -> Row:
    """Against what each image costs before any scorer looks."""
    encoded = [to_png(rgb) for rgb in images]
    times = race(_ours("plain", images), lambda: [from_stored(one) for one in encoded])
    return _row("plain", times, "floor: decoding the stored PNG")


def _scorer(name: str, images: list[Rgb], prepare: Callable[[Rgb], Floats]) -> Row:
    run = open_session(name, _weights(_named(name)))
    inputs = [prepare(rgb) for rgb in images]
    return _row(name, race(_ours(name, images), lambda: [run(one) for one in inputs]), ALONE)


def _faces(images: list[Rgb]) -> Row:
    import cv2
    from deface.centerface import CenterFace

    cv2.setNumThreads(1)
    peer = CenterFace(backend="opencv")
    times = race(_ours("faces", images), lambda: [peer(rgb) for rgb in images])
    return _row("faces", times, "peer: deface, by OpenCV")


def _blur(images: list[Rgb]) -> Row:
    from img2dataset.blurrer import BoundingBoxBlurrer

    peer = BoundingBoxBlurrer()
    coordinates = [round(edge * WHOLE) for edge in BOX]
    times = race(
        lambda: [blur_boxes(rgb, coordinates) for rgb in images],
        lambda: [peer(rgb, [BOX]) for rgb in images],
    )
    return speed("Blur of one box", "images", "peer: img2dataset", NUM_IMAGES, times)


def _ours(name: str, images: list[Rgb]) -> Contestant:
    scorer = _named(name)
    score = scorer.load(scorer.config(), _weights(scorer))
    stored = [Stored(rgb, rgb.size, SIDE, SIDE) for rgb in images]
    return lambda: [score(one) for one in stored]


def _named(name: str) -> Scorer:
    return next(scorer for scorer in registry() if scorer.name == name)


def _weights(scorer: Scorer) -> bytes:
    return b"" if scorer.weights is None else scorer.weights.read()


def _row(name: str, times: list[Seconds], other_is: str) -> Row:
    return speed(f"Scorer, `{name}`", "images", other_is, NUM_IMAGES, times)
