import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dalle_model.pixels import Rgb
from dalle_model.settings import SampleSettings
from orchestration.drawing.choice import Choice
from orchestration.drawing.completions import Completed, Prompt, draw_completions
from orchestration.engine.progress import Quiet
from orchestration.pictures import PictureError, read_picture
from tests.support.drawing import random_source

SOURCE = random_source()


def picture(height: int = 64, width: int = 64) -> Rgb:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def completed(path: Path, keep: str, *, keeps_pixels: bool = False) -> Completed:
    prompt = Prompt(str(path), "a cat", keep, keeps_pixels)
    return draw_completions(SOURCE, prompt, Choice(3), SampleSettings(), Quiet())


@pytest.mark.parametrize("keeps_pixels", [False, True])
def test_a_part_stays_as_tokens_or_as_pixels(tmp_path: Path, keeps_pixels: bool) -> None:
    path, pixels = tmp_path / "image.png", picture()
    Image.fromarray(pixels).save(path)
    done = completed(path, "top=0.25", keeps_pixels=keeps_pixels)
    assert (done.row.images[:, :16] == pixels[:16]).all() == keeps_pixels
    assert len({image[16:].tobytes() for image in done.row.images}) == 3
    assert (done.part[:16] == pixels[:16]).all()
    assert len(np.unique(done.part[16:])) == 1
    assert done.notes == (
        "image    64x64 px; taken as 64x64 px",
        "kept     top=0.25: the tokens of rows 1 to 2 of 8; each covers 8 x 8 px",
    )


def test_an_image_is_turned_upright_and_its_middle_is_taken(tmp_path: Path) -> None:
    path, exif = tmp_path / "image.png", Image.Exif()
    pixels = picture(64, 80)
    exif[0x0112] = 6
    Image.fromarray(np.rot90(pixels)).save(path, exif=exif)
    np.testing.assert_array_equal(read_picture(str(path)), pixels)
    done = completed(path, "box=0,0,32,64", keeps_pixels=True)
    assert (done.row.images[:, :, :32] == pixels[:, 8:40]).all()
    assert done.notes[0] == "image    80x64 px; its middle, 64x64, taken as 64x64 px"


def test_an_image_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    with pytest.raises(PictureError, match=f"no image at {path}"):
        completed(path, "top=0.5")
    path.write_text("a text")
    with pytest.raises(PictureError, match="is none of JPEG"):
        completed(path, "top=0.5")
    stream = io.BytesIO()
    Image.fromarray(picture()).save(stream, "PNG")
    path.write_bytes(stream.getvalue()[:2000])
    with pytest.raises(PictureError, match="cannot be decoded: "):
        completed(path, "top=0.5")
    Image.fromarray(picture(20, 80)).save(path)
    with pytest.raises(PictureError, match="image is 80x20 px, each edge needs 64 px"):
        completed(path, "top=0.5")
