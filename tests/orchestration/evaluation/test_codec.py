"""A codec is judged by what it makes of images."""

import json
from pathlib import Path

import numpy as np
import pytest

from dalle_model.evaluate.reconstruction import psnr
from dalle_model.evaluate.ssim import ssim
from dalle_model.pixels import to_png
from dalle_model.resize import square
from dalle_model.tokenizers.registry import load_codec
from orchestration.engine.progress import Quiet
from orchestration.evaluation.codec import CodecImagesError, evaluate_codec
from tests.support.image_folders import picture, write_images

SEEDS = range(21)


def test_figures_are_those_of_the_pixels(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "set", {})
    folder.mkdir()
    for seed in SEEDS:
        (folder / f"{seed:02d}.png").write_bytes(to_png(picture(seed, side=80)))
    (folder / "small.png").write_bytes(to_png(picture(0, side=32)))
    found = evaluate_codec("demo", str(folder), "pixels", "", str(tmp_path / "out"), Quiet())
    codec = load_codec("demo")
    images = np.stack([square(picture(seed, 80), 64, codec.facts.resample) for seed in SEEDS])
    others = codec.decode(codec.encode(images))
    assert found.psnr == pytest.approx(psnr(images, others))
    assert found.ssim == pytest.approx(ssim(images, others).mean())
    assert found.images == len(SEEDS)
    assert found.frechet_distance is not None
    assert found.frechet_distance > 0
    assert found.lpips is None
    assert "small.png (smaller than the codec's images" in str(found)
    document = json.loads((tmp_path / "out/codec.json").read_text())
    assert document["codes"]["used"] == found.codes.used
    assert (tmp_path / "out/codec.png").read_bytes().startswith(b"\x89PNG")


def test_images_that_are_all_too_small_are_refused(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "set", {"1": "", "2": ""})
    with pytest.raises(CodecImagesError, match="no image has the 64x64 px of the codec"):
        evaluate_codec("demo", str(folder), "", "", str(tmp_path / "out"), Quiet())
