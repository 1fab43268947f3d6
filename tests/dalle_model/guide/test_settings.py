import pytest

from dalle_model.guide.settings import GuideSettings


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ({"steps": 0}, "steps must be at least 1"),
        ({"rate": 0.0}, "rate must be above 0, and at most 100"),
        ({"rate": float("inf")}, "rate must be above 0, and at most 100"),
        ({"over": "pixels"}, "over must be one of codes, latents"),
        ({"temperature": float("nan")}, "temperature must be within 0.001 and 100"),
        ({"seed": -1}, "seed must not be negative"),
        ({"device": "gpu"}, "device 'gpu' must be cpu, cuda, or such as cuda:1"),
    ],
)
def test_a_setting_out_of_range_is_refused(setting, problem):
    with pytest.raises(ValueError, match=problem):
        GuideSettings(**setting)


def test_devices_are_those_of_torch():
    assert [GuideSettings(device=d).device for d in ("cpu", "cuda", "cuda:1")][2] == "cuda:1"
