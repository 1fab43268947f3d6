from dataclasses import replace

import numpy as np
import pytest
import torch

from dalle_model.checkpoint import inspect_checkpoint
from dalle_model.clip.registry import load_scorer, scorer_facts
from dalle_model.clip.settings import ClipTraining
from dalle_model.clip.trained import load_clip, save_clip, text_ids
from dalle_model.evaluate.retrieval import auc, others
from dalle_model.train.clip import train_clip, train_from_pairs, trained_clip
from dalle_model.train.images import ImagesError
from dalle_model.train.step import DivergedError
from tests.support.pairs import TINY, pair, pair_source, training_pairs

SETTINGS = ClipTraining(
    steps=60, batch_size=16, warmup_steps=5, learning_rate=3e-3, max_shift=1, precision="float32",
    ema_decay=0.8, checkpoint_every=10, measure_every=20,
)  # fmt: skip


class KilledError(Exception):
    """Simulates a killed process."""


def ignore(*_):
    """An `OnStep` that does nothing."""


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_small_one_tells_true_captions_from_others_and_is_a_scorer(tmp_path):
    url = f"{tmp_path}/clip.safetensors"
    metrics = train_from_pairs(pair_source(160), url, TINY, SETTINGS, ignore)
    assert metrics["held_out_auc"] > 0.7  # of ten pairs
    assert (metrics["images"], metrics["pairs"], metrics["held_out"]) == (150, 300, 10)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.safetensors"]
    unseen = [pair(1000 + n) for n in range(60)]
    images, captions = [image for image, _ in unseen], [texts[0] for _, texts in unseen]
    scorer = load_scorer(url)
    wrong = [captions[n] for n in others(captions)]
    assert auc(scorer.score(images, captions), scorer.score(images, wrong)) > 0.85
    assert scorer_facts(url)["scorer"] == inspect_checkpoint(url, "clip").sha256


def test_a_resumed_run_is_bit_exact(tmp_path):
    pairs, settings = training_pairs(tmp_path, 64, 1), replace(SETTINGS, steps=24)
    tokenizer = pairs.tokenizer(TINY.vocab_size)
    url = f"{tmp_path}/clip.safetensors"
    seen: list[tuple[int, float]] = []
    again: list[tuple[int, float]] = []

    def killed_at(step):
        def on_step(done, *_):
            if done == step:
                raise KilledError

        return on_step

    def noting(where):
        return lambda done, _, recent: where.append((done, recent["loss"]))

    straight = train_clip(pairs, tokenizer, TINY, settings, noting(seen))
    for step in (13, 22):
        with pytest.raises(KilledError):
            train_clip(pairs, tokenizer, TINY, settings, killed_at(step), url)
    resumed = train_clip(pairs, tokenizer, TINY, settings, noting(again), url)
    assert again == seen[20:]
    for one, other in (
        (straight.trained, resumed.trained),
        (straight.task.model, resumed.task.model),
    ):
        others = other.state_dict()
        assert all(torch.equal(value, others[name]) for name, value in one.state_dict().items())


def test_a_loss_that_is_not_finite_stops_before_the_update_and_names_the_rows(tmp_path):
    pairs, settings = training_pairs(tmp_path, 40), replace(SETTINGS, learning_rate=1e30)
    tokenizer, losses = pairs.tokenizer(TINY.vocab_size), []
    with pytest.raises(DivergedError, match=r"lower `clip.training.learning_rate`.*0{20}"):
        train_clip(pairs, tokenizer, TINY, settings, lambda *step: losses.append(step))
    assert len(losses) < SETTINGS.steps


def test_a_checkpoint_holds_all_that_scoring_needs(tmp_path):
    pairs = training_pairs(tmp_path, 40)
    tokenizer = pairs.tokenizer(TINY.vocab_size)
    state = train_clip(pairs, tokenizer, TINY, replace(SETTINGS, steps=2), ignore)
    trained = trained_clip(state, tokenizer, TINY)
    plain, half = f"{tmp_path}/a.safetensors", f"{tmp_path}/b.safetensors"
    save_clip(plain, trained)
    save_clip(half, trained, torch.bfloat16)
    images, captions = zip(
        *[(image, texts[0]) for image, texts in map(pair, range(5))], strict=True
    )
    scores = [load_scorer(url).score(images, captions) for url in (plain, half)]
    assert np.array_equal(scores[0], trained.scorer().score(images, captions))
    np.testing.assert_allclose(scores[1], scores[0], atol=0.03)
    assert load_clip(half).model.logit_scale.dtype == torch.float32


def test_a_caption_ends_at_the_first_of_the_highest_ids(tmp_path):
    tokenizer = training_pairs(tmp_path, 40).tokenizer(TINY.vocab_size)
    captions = ["", "red on the left", "red on the left " * 9]
    ids = text_ids(tokenizer, captions, 8)
    assert ids.max() == tokenizer.size
    lengths = [1, 1 + len(tokenizer.encode(captions[1])), 7]
    assert ids.argmax(dim=1).tolist() == lengths
    assert ids[1, 1 : lengths[1]].tolist() == tokenizer.encode(captions[1])


def test_too_few_images_are_refused(tmp_path):
    with pytest.raises(ImagesError, match="too few images"):
        train_from_pairs(pair_source(3), f"{tmp_path}/clip.safetensors", TINY, SETTINGS, ignore)
