"""Training a codec on images of one's own, by the decoder of the encode stage."""

import io
from collections import Counter

import numpy as np
import pytest
from PIL import Image, ImageCms

import dalle_model.__main__ as door
from dalle_model.door.codec import own_images
from dalle_model.pixels import from_stored, to_png
from dalle_model.tokenizers.registry import inspect_codec
from pipelines.crawl.held import held_images, read_piece
from pipelines.crawl.images.image import InlineImage
from pipelines.images.config import ANY_ASPECT, ImagesConfig
from pipelines.images.own import image_row
from tests.support.image_rows import noise

CONFIG = """
dvae:
  model: {side: 16, num_codes: 8, hidden: 4, bottleneck: 4, blocks_per_group: 1}
  training: {steps: 2, batch_size: 2, kl_steps: 1}
"""


def turned(rgb, orientation):
    """A PNG whose Exif turns it, in a colour space that is not sRGB."""
    image = Image.fromarray(rgb)
    exif = image.getexif()
    exif[0x0112] = orientation
    linear = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    sink = io.BytesIO()
    image.save(sink, "PNG", exif=exif, icc_profile=linear)
    return sink.getvalue()


def encode_stage(held):
    """What the encode stage is given of each image."""
    config = ImagesConfig(side=16, max_aspect=ANY_ASPECT)
    rows = [
        image_row(found.candidate, found.encoded, config)
        for piece in held.pieces
        for found in read_piece(piece, Counter())
        if isinstance(found, InlineImage)
    ]
    return {row["key"][:24]: from_stored(row["image"]) for row in rows if isinstance(row, dict)}


def test_images_are_decoded_as_the_encode_stage_decodes_them(tmp_path):
    """Exif that turns, transparency, and a grey image."""
    (tmp_path / "turned.png").write_bytes(turned(noise(0, 16, 24), 6))
    Image.new("RGBA", (16, 20), (10, 20, 30, 0)).save(tmp_path / "clear.png")
    Image.fromarray(noise(1)[..., 0]).save(tmp_path / "grey.png")
    held, dropped = held_images(str(tmp_path), {}), Counter[str]()
    found = dict(own_images("x", held, 16, dropped).named())
    expected = encode_stage(held)
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[key], expected[key]) for key in found)
    assert {rgb.shape for rgb in found.values()} == {(24, 16, 3), (20, 16, 3), (16, 16, 3)}
    assert not dropped


def test_what_cannot_be_used_is_counted(tmp_path):
    (tmp_path / "small.png").write_bytes(to_png(noise(0, 15, 40)))
    (tmp_path / "broken.png").write_bytes(to_png(noise(1))[:40])
    dropped = Counter[str]()
    assert dict(own_images("x", held_images(str(tmp_path), {}), 16, dropped).named()) == {}
    assert sorted(dropped) == ["too_small", "undecodable"]


def test_a_folder_becomes_a_codec(tmp_path, capsys):
    photos, out = tmp_path / "photos", tmp_path / "dvae.safetensors"
    photos.mkdir()
    for number in range(40):
        (photos / f"{number}.png").write_bytes(to_png(noise(number, 24, 30)))
    (photos / "small.png").write_bytes(to_png(noise(0, 8, 8)))
    (tmp_path / "dalle.yaml").write_text(CONFIG)
    command = ["train", "dvae", str(photos), str(out), "--config", f"{tmp_path}/dalle.yaml"]
    assert door.main(command) == 0
    said = capsys.readouterr()
    assert f"{out}: images 3" in said.out
    assert "step 2 of 2: loss" in said.err
    assert "images that were left out: too_small 1" in said.err
    assert inspect_codec(str(out)).side == 16


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("dvae: {model: {side: 15}}", "side is 15 px, must be a multiple of 8"),
        ("dvae: {modle: {}}", "modle"),
        ("- 1", "a config is a mapping of settings"),
    ],
)
def test_a_wrong_config_is_told(tmp_path, capsys, config, said):
    (tmp_path / "a.png").write_bytes(to_png(noise(0)))
    (tmp_path / "dalle.yaml").write_text(config)
    command = ["train", "dvae", str(tmp_path), "x", "--config", f"{tmp_path}/dalle.yaml"]
    assert door.main(command) == 2
    assert said in capsys.readouterr().err
