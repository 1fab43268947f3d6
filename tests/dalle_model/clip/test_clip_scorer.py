import json

import numpy as np
import open_clip
import pytest
import safetensors.torch
import torch
from PIL import Image

from dalle_model.clip.registry import load_scorer, scorer_facts
from dalle_model.clip.scorer import Embedder, ScorerError
from tests.support.clips import SIDE, TINY, random_images, tiny_model, write_architecture

CAPTIONS = ["a red square", "Two  Dogs &amp; a cat", "", "ééé 中", "word " * 40]


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture
def named(model, tmp_path):
    safetensors.torch.save_file(model.state_dict(), tmp_path / "w.safetensors")
    return f"{write_architecture(tmp_path / 'arch.json')}@{tmp_path / 'w.safetensors'}"


def test_vectors_are_those_of_open_clip_with_its_own_preprocessing(model, named):
    images, scorer = random_images(5), load_scorer(named)
    assert isinstance(scorer, Embedder)
    transform = open_clip.image_transform(SIDE, is_train=False)
    inputs = torch.stack([transform(Image.fromarray(image)) for image in images])
    ids = open_clip.SimpleTokenizer(context_length=12)(CAPTIONS)
    with torch.inference_mode():
        of_images = model.encode_image(inputs, normalize=True).numpy()
        of_texts = model.encode_text(ids, normalize=True).numpy()
    np.testing.assert_allclose(scorer.embed_images(images), of_images, atol=2e-6)
    np.testing.assert_allclose(scorer.embed_texts(CAPTIONS), of_texts, atol=2e-6)
    expected = (of_images * of_texts).sum(1)
    np.testing.assert_allclose(scorer.score(images, CAPTIONS), expected, atol=4e-6)


def test_a_score_depends_on_its_own_image_and_caption_alone(named):
    images, scorer = random_images(5), load_scorer(named)
    together = scorer.score(images, CAPTIONS)
    alone = [scorer.score([i], [c])[0] for i, c in zip(images, CAPTIONS, strict=True)]
    assert together.dtype == np.float32
    assert together.tolist() == alone
    assert scorer.score(images[::-1], CAPTIONS[::-1]).tolist() == alone[::-1]
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert scorer.score(images, CAPTIONS).tolist() == alone
    finally:
        torch.set_num_threads(before)


def test_no_rows_have_no_scores(named):
    scorer = load_scorer(named)
    assert isinstance(scorer, Embedder)
    assert scorer.score([], []).shape == (0,)
    assert scorer.embed_images([]).shape == (0, 16)
    with pytest.raises(ValueError, match="1 images and 0 captions"):
        scorer.score(random_images(1), [])


def test_what_torch_save_wrote_is_read_as_data(model, tmp_path):
    safe, saved = tmp_path / "w.safetensors", tmp_path / "w.pt"
    safetensors.torch.save_file(model.state_dict(), safe)
    wrapped = {f"module.{name}": value for name, value in model.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": wrapped}, saved)
    arch, images = write_architecture(tmp_path / "arch.json"), random_images(2)
    scores = [load_scorer(f"{arch}@{url}").score(images, CAPTIONS[:2]) for url in (safe, saved)]
    assert scores[0].tolist() == scores[1].tolist()
    facts = [scorer_facts(f"{arch}@{url}")["scorer"] for url in (safe, saved)]
    assert facts[0] != facts[1]


def test_a_published_config_says_how_images_are_prepared(model, tmp_path):
    safetensors.torch.save_file(model.state_dict(), tmp_path / "w.safetensors")
    published = {"model_cfg": TINY, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(published))
    (image,) = random_images(1)
    config = tmp_path / "open_clip_config.json"
    scorer = load_scorer(f"{config}@{tmp_path / 'w.safetensors'}")
    assert isinstance(scorer, Embedder)
    transform = open_clip.image_transform(SIDE, False, mean=(0.5,) * 3, std=(0.5,) * 3)
    with torch.inference_mode():
        expected = model.encode_image(transform(Image.fromarray(image))[None], normalize=True)
    np.testing.assert_allclose(scorer.embed_images([image]), expected.numpy(), atol=2e-6)


def test_an_architecture_of_open_clip_is_known_by_its_name(tmp_path, monkeypatch):
    from open_clip import factory

    monkeypatch.setitem(factory._MODEL_CONFIGS, "Tiny-32", TINY)
    safetensors.torch.save_file(tiny_model().state_dict(), tmp_path / "w.safetensors")
    (arch,) = {write_architecture(tmp_path / "arch.json")}
    image, text = random_images(1), ["a red square"]
    by_name = load_scorer(f"Tiny-32@{tmp_path / 'w.safetensors'}").score(image, text)
    assert by_name == load_scorer(f"{arch}@{tmp_path / 'w.safetensors'}").score(image, text)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ViT-B-23@{weights}", "did you mean ViT-B-32"),
        ("hf-hub:a/b@{weights}", "knows no architecture"),
        ("{arch}@{folder}/gone.safetensors", "no weights at"),
        ("{other}@{weights}", "another architecture than the one named before the @"),
        ("{arch}@{arch}", "no weights can be read from"),
        ("{weights}@{weights}", "knows no architecture"),
        ("{empty}@{weights}", "has no 'embed_dim'"),
        ("{folder}/gone.safetensors", "no clip checkpoint at"),
        ("damo", "A scorer is 'demo'"),
    ],
)
def test_what_is_no_scorer_is_refused_in_words(model, tmp_path, name, said):
    weights = tmp_path / "w.safetensors"
    safetensors.torch.save_file(model.state_dict(), weights)
    (tmp_path / "empty.json").write_text("{}")
    given = {
        "weights": weights,
        "arch": write_architecture(tmp_path / "arch.json"),
        "other": write_architecture(tmp_path / "other.json", TINY | {"embed_dim": 8}),
        "empty": tmp_path / "empty.json",
        "folder": tmp_path,
    }
    with pytest.raises(ScorerError, match=said):
        load_scorer(name.format(**given))


def test_facts_are_told_without_torch_and_name_what_is_missing(named, tmp_path):
    facts = scorer_facts(named)
    assert {"scorer", "open_clip_torch", "torch", "torchvision", "pillow"} == facts.keys()
    with pytest.raises(ScorerError, match="no file at"):
        scorer_facts(f"ViT-B-32@{tmp_path}/gone.pt")
    with pytest.raises(ScorerError, match="no clip checkpoint"):
        scorer_facts(f"{tmp_path}/gone.safetensors")
