"""How many images go through a model at once: as few as keep it busy, however large the batch."""

# Of the widest feature map; chosen: that of one image of 256 px at the sizes of the releases, of
# 33 or 67 MB, is enough work. Measured, a thread each: of the released dVAE four at once take 4.7 s
# an image, one alone 4.6 s; of f16-16384 they take 3.4 s and 3.0 s.
_MAP_BYTES = 1 << 25


def images_at_once(channels: int, image_shape: tuple[int, int], itemsize: int = 4) -> int:
    """Images whose widest feature maps take 32 MiB; at least one.

    Args:
        channels: of the widest map, which is as high and wide as the image.
        image_shape: height and width, in pixels.
        itemsize: bytes of a value.
    """
    height, width = image_shape
    return max(1, _MAP_BYTES // (channels * height * width * itemsize))
