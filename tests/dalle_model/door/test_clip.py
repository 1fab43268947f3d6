from collections import Counter

import pytest

import dalle_model.__main__ as door
from dalle_model.clip.registry import load_scorer
from dalle_model.door.clip import own_captions
from dalle_model.door.codec import own_images
from dalle_model.pixels import to_png
from pipelines.crawl.held import held_images
from tests.support.pairs import pair

CONFIG = """
clip:
  model:
    {image_size: 16, patch_size: 8, vision_width: 32, vision_layers: 1, vision_head_width: 16,
     text_width: 32, text_layers: 1, text_heads: 2, text_len: 8, vocab_size: 300, embed_dim: 16}
  training: {steps: 2, batch_size: 4, warmup_steps: 1, precision: float32}
"""


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(40):
        image, captions = pair(number)
        (folder / f"{number}.png").write_bytes(to_png(image))
        (folder / f"{number}.txt").write_text(captions[0])
    return folder


def test_a_folder_with_texts_becomes_a_scorer(tmp_path, photos, capsys):
    (tmp_path / "dalle.yaml").write_text(CONFIG)
    out = f"{tmp_path}/clip.safetensors"
    command = ["train", "clip", str(photos), out, "--config", f"{tmp_path}/dalle.yaml"]
    assert door.main(command) == 0
    said = capsys.readouterr()
    assert f"{out}: images 3" in said.out
    assert "step 2 of 2: loss" in said.err
    assert load_scorer(out).score([pair(0)[0]], ["red"]).shape == (1,)


def test_each_image_has_the_texts_beside_it(photos):
    held = held_images(str(photos), {})
    captions = own_captions(held)
    for key, image in own_images("x", held, 16, Counter()).named():
        (number,) = (n for n in range(40) if (pair(n)[0] == image).all())
        assert captions[key] == pair(number)[1][:1]


def test_a_wrong_config_is_told(tmp_path, photos, capsys):
    (tmp_path / "dalle.yaml").write_text("clip: {training: {accumulation: 2}}")
    command = ["train", "clip", str(photos), "x", "--config", f"{tmp_path}/dalle.yaml"]
    assert door.main(command) == 2
    assert "accumulation must be 1" in capsys.readouterr().err
