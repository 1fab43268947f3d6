import pytest

from dalle_model.clip.settings import CLIP_TRAINING_PRESETS, ClipTraining


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"accumulation": 2}, "the loss compares all pairs of a step"),
        ({"precision": "float16"}, "take bfloat16"),
        ({"parallel": "fsdp"}, "are for priors"),
        ({"powersgd_rank": 2}, "are for priors"),
        ({"recompute": True}, "are for priors"),
        ({"compile": True}, "are for priors"),
        ({"batch_size": 1}, "pairs are compared"),
        ({"temperature": 0.005}, "temperatures"),
        ({"bpe_dropout": 1.0}, "bpe_dropout"),
        ({"max_shift": -1}, "max_shift"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(given, said):
    with pytest.raises(ValueError, match=said):
        ClipTraining(**given)


def test_the_published_settings_are_32_epochs_of_400_million_pairs():
    paper = CLIP_TRAINING_PRESETS["vit-b-32"]
    assert paper.steps * paper.batch_size == pytest.approx(32 * 400e6, rel=1e-4)
    assert (paper.temperature, paper.least_temperature) == (0.07, 0.01)
