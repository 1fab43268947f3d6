import pytest
import torch

from dalle_model.train.devices import DEVICES
from dalle_model.train.speed import Pace, is_first, peak_of, speed


def test_mfu_is_the_share_of_the_peak_that_the_model_s_operations_take():
    pace = Pace("tokens", per_row=1280, flops=10**12)
    found = speed(pace, rows=100, seconds=2.0, peak=DEVICES["h200"].peak_flops)
    assert found["tokens_per_s"] == 64_000
    assert found["mfu"] == pytest.approx(50e12 / 989.5e12)


def test_without_a_peak_or_operations_there_is_no_mfu():
    assert speed(Pace("images"), 10, 2.0, 1e12) == {"images_per_s": 5.0}
    assert speed(Pace("images", flops=1), 10, 2.0, None) == {"images_per_s": 5.0}


def test_a_processor_s_peak_is_not_known_and_one_process_is_the_first():
    assert peak_of(torch.nn.Linear(2, 2)) is None
    assert is_first()
