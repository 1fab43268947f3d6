"""Seeded signatures for tests."""

import random

from pipelines.dedupe.signatures import ImageSignature


def signature(
    image_key: str,
    *,
    width: int = 100,
    height: int = 100,
    pixel_hash: str = "",
    phash: int = 0,
    grey: int = 0,
) -> ImageSignature:
    thumbnail = bytes([grey]) * 192
    return ImageSignature(image_key, width, height, pixel_hash or image_key, phash, thumbnail)


def crowd(size: int, seed: int, flips: int = 10) -> list[ImageSignature]:
    """Signatures around a few centres: many are near each other, and many narrowly are not."""
    chance = random.Random(seed)
    centres = [chance.getrandbits(64) for _ in range(max(1, size // 8))]
    members = []
    for number in range(size):
        phash = chance.choice(centres)
        for bit in chance.sample(range(64), chance.randint(0, flips)):
            phash ^= 1 << bit
        members.append(
            signature(
                f"{number:024x}",
                width=100 * chance.randint(1, 3),
                height=chance.choice([99, 100, 100, 103]) * 2,
                phash=phash,
                grey=chance.randint(0, 30),
            )
        )
    return members
