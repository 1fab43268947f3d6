import numpy as np

from pipelines.images.config import ImagesConfig
from pipelines.images.decode import Decoded
from pipelines.images.size import shrink, store_size


def with_(**changes) -> ImagesConfig:
    return ImagesConfig(side=32, resize="lanczos").model_copy(update=changes)


def test_shrinking_keeps_the_aspect_and_never_scales_up() -> None:
    assert store_size(151, 100, with_(side=50)) == (76, 50)
    assert store_size(100, 151, with_(side=50)) == (50, 76)
    assert store_size(60, 50, with_(side=50)) == (60, 50)
    same = np.zeros((50, 60, 3), np.uint8)
    assert shrink(Decoded(same, 60, 50), with_(side=50)) is same
