import numpy as np
from blake3 import blake3

from pipelines.sameness.pixel_hash import pixel_hash


def test_the_pixel_hash_is_of_size_and_pixels() -> None:
    rgb = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    content = b"\4\0\0\0\2\0\0\0" + bytes(range(24))
    assert pixel_hash(rgb) == blake3(content).hexdigest(16)
    assert pixel_hash(rgb) != pixel_hash(rgb.reshape(4, 2, 3))
    assert pixel_hash(np.asfortranarray(rgb)) == pixel_hash(rgb)
