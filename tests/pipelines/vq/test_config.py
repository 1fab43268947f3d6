import pytest
from pydantic import ValidationError

from dalle_model.settings import VqTraining
from dalle_model.tokenizers.vq_config import VqConfig
from pipelines.vq.config import VqStageConfig


def test_what_is_left_out_is_the_default():
    config = VqStageConfig.model_validate(
        {"model": {"image_shape": [128, 128]}, "training": {"steps": 9_000}}
    )
    assert config.model == VqConfig(image_shape=(128, 128))
    assert config.training == VqTraining(steps=9_000)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"model": {"image_shape": [64, 96]}}, "vq.model.image_shape: images .* not a square"),
        ({"model": {"image_shape": [60, 60]}}, "must be a multiple of 8"),
        ({"training": {"steps": 10}}, "decay_steps must be in"),
        ({"modle": {}}, "modle"),
    ],
)
def test_what_cannot_work_is_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        VqStageConfig.model_validate(wrong)
