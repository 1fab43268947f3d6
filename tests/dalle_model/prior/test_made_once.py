import torch

from dalle_model.prior.made_once import made_once

CPU, META = torch.device("cpu"), torch.device("meta")


def test_one_table_a_device_and_size() -> None:
    assert made_once(torch.arange, CPU, 3) is made_once(torch.arange, CPU, 3)
    assert made_once(torch.arange, CPU, 3) is not made_once(torch.arange, CPU, 4)
    assert made_once(torch.arange, META, 3).device == META


def test_made_for_training_too() -> None:
    with torch.inference_mode():
        assert not made_once(torch.arange, CPU, 5).is_inference()
