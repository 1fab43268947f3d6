import pytest

from dalle_model.config import DvaeConfig
from dalle_model.tokenizers.chunks import images_at_once


@pytest.mark.parametrize(
    ("channels", "image_shape", "itemsize", "count"),
    [
        (DvaeConfig().hidden, (256, 256), 4, 1),
        (DvaeConfig().hidden, (256, 256), 2, 1),
        (128, (256, 256), 4, 1),
        (16, (64, 64), 4, 128),
        (16, (64, 32), 4, 256),
        (512, (1024, 1024), 4, 1),
    ],
)
def test_as_many_as_fill_the_widest_map(channels, image_shape, itemsize, count):
    assert images_at_once(channels, image_shape, itemsize) == count
