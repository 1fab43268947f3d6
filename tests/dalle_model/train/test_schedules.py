import pytest

from dalle_model.settings import DvaeTraining
from dalle_model.train.schedules import Cosine

PAPER = DvaeTraining()
PAPER_KL_WEIGHT = Cosine(0.0, PAPER.kl_weight, PAPER.kl_steps)
PAPER_TEMPERATURE = Cosine(*PAPER.temperature, PAPER.temperature_steps)
PAPER_LEARNING_RATE = Cosine(*PAPER.learning_rate, PAPER.learning_rate_steps)


@pytest.mark.parametrize(
    ("schedule", "step", "value"),
    [
        (PAPER_TEMPERATURE, 0, 1.0),
        (PAPER_TEMPERATURE, 75_000, 0.53125),
        (PAPER_TEMPERATURE, 150_000, 0.0625),
        (PAPER_TEMPERATURE, 3_000_000, 0.0625),
        (PAPER_KL_WEIGHT, 0, 0.0),
        (PAPER_KL_WEIGHT, 2_500, 3.3),
        (PAPER_KL_WEIGHT, 5_000, 6.6),
        (PAPER_LEARNING_RATE, 0, 1e-4),
        (PAPER_LEARNING_RATE, 600_000, 5.0625e-5),
        (PAPER_LEARNING_RATE, 1_200_000, 1.25e-6),
    ],
)
def test_the_paper_s_schedules(schedule, step, value):
    assert schedule(step) == pytest.approx(value)


def test_a_schedule_of_no_length_is_its_end():
    assert Cosine(1.0, 2.0, 0)(0) == 2.0
