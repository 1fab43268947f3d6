import io

import numpy as np
import pytest
from PIL import Image

from orchestration.pictures import PictureError, filled, read_picture
from tests.support.raw_images import png


def test_an_image_is_read_upright_and_on_white(tmp_path):
    image = Image.new("RGBA", (4, 2), (255, 0, 0, 255))
    image.putpixel((0, 0), (0, 0, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    image.save(tmp_path / "x.png", exif=exif)
    found = read_picture(str(tmp_path / "x.png"))
    assert found.shape == (4, 2, 3)
    assert found[0, 1].tolist() == [255, 255, 255]
    assert found[1, 1].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("gone.png", None, "there is no image at .*gone.png; name a file or a URL"),
        ("text.png", b"no image", "text.png is none of JPEG, PNG, WEBP, GIF; save it as one"),
        ("bitmap.png", "BMP", "bitmap.png is none of"),
        ("short.png", "PNG", "short.png cannot be decoded: .*; save it anew"),
        (
            "bomb.png",
            png(60_000, 60_000, 8, 0, b""),
            "bomb.png cannot be decoded: .* exceeds limit",
        ),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, content, problem):
    if isinstance(content, str):
        written = io.BytesIO()
        noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(noise).save(written, content)
        content = written.getvalue()[: 2000 if content == "PNG" else None]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(PictureError, match=problem):
        read_picture(str(tmp_path / name))
    with pytest.raises(PictureError, match="there is no image at"):
        read_picture(str(tmp_path))


def test_the_centre_of_an_image_fills_a_shape():
    picture = np.zeros((10, 30, 3), np.uint8)
    picture[:, 10:20] = 200
    assert (filled(picture, (10, 10)) == 200).all()
    assert filled(picture[:, 10:20], (5, 5)).tolist() == np.full((5, 5, 3), 200).tolist()
