import io
from pathlib import Path

import pytest
from PIL import Image

from dalle_model.config import PriorConfig
from dalle_model.prior.model import Prior
from dalle_model.prior.trained import CodesOrigin, TrainedPrior, save_prior
from dalle_model.settings import SampleSettings
from dalle_model.tokenizers.registry import inspect_codec
from orchestration.drawing.samples import draw_with_prior
from orchestration.drawing.sources import NoPriorError
from orchestration.engine.progress import Quiet
from tests.support.priors import tiny_tokenizer

SIZES = PriorConfig(
    text_vocab=300, text_len=20, image_vocab=1024, grid=8, layers=1, heads=1, head_dim=16,
    conv_kernel=3,
)  # fmt: skip


def prior_of(folder: Path, codec_sha256: str) -> str:
    url = str(folder / "prior.safetensors")
    codes = CodesOrigin(codec_sha256, 8, 1024)
    save_prior(url, TrainedPrior(Prior(SIZES).eval(), tiny_tokenizer(), codes, {}))
    return url


def test_a_prior_draws_without_a_run_by_the_shipped_codec_of_its_codes(tmp_path: Path) -> None:
    url, out = prior_of(tmp_path, inspect_codec("demo").sha256), tmp_path / "out.png"
    drawn = draw_with_prior(url, "a cat", 2, str(out), SampleSettings(), Quiet())
    assert drawn == str(out)
    assert Image.open(io.BytesIO(out.read_bytes())).width > 2 * 128


def test_a_prior_of_a_codec_that_does_not_ship_needs_its_run(tmp_path: Path) -> None:
    with pytest.raises(NoPriorError, match=r"codec abababababab, which does not ship.*--dir"):
        draw_with_prior(prior_of(tmp_path, "ab" * 32), "a cat", 1, "x", SampleSettings(), Quiet())
