import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.distributed as dist
from open_clip.loss import ClipLoss

from dalle_model.clip.settings import ClipTraining
from dalle_model.data.pair_reader import PairReader
from dalle_model.data.torch import TokenStream
from dalle_model.train.clip import architecture
from dalle_model.train.clip_task import ClipObjective, ClipTask, normalised, rate_share
from dalle_model.train.place import ParallelError, Place, joined
from dalle_model.train.state import begin
from dalle_model.train.step import train_step
from tests.support.pairs import TINY, training_pairs
from tests.support.ranks import in_ranks

SETTINGS = ClipTraining(
    steps=3, batch_size=12, warmup_steps=1, max_shift=0, precision="float32", ema_decay=0.0
)


def tiny_task(pairs, settings=SETTINGS, place=None):
    tokenizer = pairs.tokenizer(TINY.vocab_size)
    torch.manual_seed(0)
    model = architecture(TINY, tokenizer).build()
    places = {} if place is None else {"place": place}
    return ClipTask(model, TINY.to_dict(), tokenizer, settings, lambda _: {}, **places)


def batches(pairs, settings, place=None):
    reader = PairReader(pairs.images.reader, pairs.captions, 0)
    rank, ranks = (0, 1) if place is None else (place.rank, place.ranks)
    return iter(TokenStream(reader, settings.batch_size, rank, ranks))


def test_the_loss_is_open_clips_where_no_captions_are_equal(tmp_path):
    task = tiny_task(training_pairs(tmp_path, 20))
    x, ids = torch.rand(6, 3, 16, 16), torch.arange(48).reshape(6, 8) % 300
    total = task.objective(x, ids)["contrastive"]
    image, text, scale = task.model(x, ids)
    assert (total / 6).item() == pytest.approx(ClipLoss()(image, text, scale).item(), rel=1e-6)


def test_equal_captions_are_not_compared(tmp_path):
    """Of three pairs, two with one caption: the first two see the third alone as another."""
    task = tiny_task(training_pairs(tmp_path, 20))
    x, ids = torch.rand(3, 3, 16, 16), torch.tensor([[1] * 8, [1] * 8, [2] * 8])
    image, text, scale = task.model(x, ids)
    expected = 0.0
    for one, other in ((image, text), (text, image)):
        logits = (scale * one @ other.T).tolist()
        for row, compared in ((0, (0, 2)), (1, (1, 2)), (2, (0, 1, 2))):
            norm = math.log(sum(math.exp(logits[row][n]) for n in compared))
            expected += (norm - logits[row][row]) / 2
    assert task.objective(x, ids)["contrastive"].item() == pytest.approx(expected, rel=1e-5)


def test_inputs_are_normalised_as_open_clip_prepares_them():
    import open_clip
    from PIL import Image

    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    expected = open_clip.image_transform(16, is_train=False)(Image.fromarray(image))
    found = normalised(torch.from_numpy(image)[None])[0]
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)


def test_the_temperature_is_learnt_down_to_its_least(tmp_path):
    task = tiny_task(training_pairs(tmp_path, 20), replace(SETTINGS, least_temperature=0.05))
    task.model.logit_scale.data.fill_(math.log(30))
    task.after_step(0)
    assert 1 / task.model.logit_scale.exp().item() == pytest.approx(0.05)


def test_the_rate_rises_and_falls_to_nothing():
    settings = replace(SETTINGS, steps=100, warmup_steps=10)
    rates = [rate_share(step, settings) for step in range(100)]
    assert rates[:2] == [0.1, 0.2]
    assert max(rates) == rates[10] == 1
    assert rates[55] == pytest.approx(0.5)
    assert rates[99] < 0.001


def test_gains_biases_and_the_temperature_do_not_decay(tmp_path):
    task = tiny_task(training_pairs(tmp_path, 20))
    decays = {
        id(weight): group["weight_decay"]
        for optimizer in task.optimizers
        for group in optimizer.param_groups
        for weight in group["params"]
    }
    named = dict(task.model.named_parameters())
    assert decays[id(named["logit_scale"])] == decays[id(named["ln_final.weight"])] == 0
    assert decays[id(named["visual.conv1.weight"])] == SETTINGS.weight_decay
    assert len(decays) == len(named)


def steps_of(folder):
    """Weights and losses of some steps, of each process of torchrun's or of one alone."""
    with joined("cpu") as place:
        pairs = training_pairs(folder, 40)
        task = tiny_task(pairs, place=place)
        state, losses = begin(task, SETTINGS, place), []
        for _, batch in zip(range(3), batches(pairs, SETTINGS, place), strict=False):
            train_step(state, SETTINGS, batch)
            losses.append(state.figures["loss"])
        return {name: value.clone() for name, value in task.model.state_dict().items()}, losses


@pytest.mark.slow  # two processes that load open_clip
def test_two_processes_lower_what_one_does(tmp_path):
    """All rows of both are compared: else each had 6 pairs, and a loss of about ln 6, not ln 12."""
    weights, losses = steps_of(tmp_path)
    for shared, of_rank in in_ranks(2, steps_of, tmp_path):
        assert of_rank == pytest.approx(losses, rel=1e-5)
        for name, value in weights.items():
            torch.testing.assert_close(shared[name], value, atol=2e-4, rtol=1e-3, msg=name)
    assert losses[0] > math.log(8)
    assert not dist.is_initialized()


def test_processes_that_cannot_share_evenly_are_refused(tmp_path):
    place = Place(torch.device("cpu"), 0, 5)
    with pytest.raises(ParallelError, match="multiple of their number"):
        tiny_task(training_pairs(tmp_path, 20), place=place)


def test_an_objective_alone_needs_no_processes(tmp_path):
    task = tiny_task(training_pairs(tmp_path, 20))
    assert isinstance(task.objective, ClipObjective)
    assert task.counts({"key": ["a", "b"]}) == {"contrastive": 2}
