import pytest
import torch

from dalle_model.settings import PriorTraining
from dalle_model.train.token_task import add_noise, rate_share


def test_rate_warms_up_and_falls_to_its_last_share() -> None:
    settings = PriorTraining(steps=110, warmup_steps=10, final_rate=0.25)
    shares = [rate_share(step, settings) for step in (0, 4, 9, 10, 60, 110)]
    assert shares == pytest.approx([0.1, 0.5, 1.0, 1.0, 0.625, 0.25])


def test_noise_replaces_up_to_its_share_and_is_seeded() -> None:
    image = torch.full((200, 50), 99)
    noisy = add_noise(image, 16, 0.5, list(range(200)))
    replaced = (noisy != 99).double().mean(dim=1)
    assert float(replaced.mean()) == pytest.approx(0.25, abs=0.03)
    assert float(replaced.max()) < 0.8
    assert torch.equal(noisy, add_noise(image, 16, 0.5, list(range(200))))
    assert not torch.equal(noisy, add_noise(image, 16, 0.5, list(range(1, 201))))
    assert torch.equal(add_noise(image, 16, 0.0, list(range(200))), image)
