"""Seeded signatures for tests."""

import random

from pipelines.dedupe.signatures import Picture


def picture(
    image: str,
    *,
    width: int = 100,
    height: int = 100,
    pixel_hash: str = "",
    phash: int = 0,
    grey: int = 0,
) -> Picture:
    thumbnail = bytes([grey]) * 192
    return Picture(image, width, height, pixel_hash or image, phash, thumbnail)


def crowd(size: int, seed: int, flips: int = 10) -> list[Picture]:
    """Pictures around few centres, so that many lie near each other, and many just do not."""
    chance = random.Random(seed)
    centres = [chance.getrandbits(64) for _ in range(max(1, size // 8))]
    members = []
    for number in range(size):
        phash = chance.choice(centres)
        for bit in chance.sample(range(64), chance.randint(0, flips)):
            phash ^= 1 << bit
        members.append(
            picture(
                f"{number:024x}",
                width=100 * chance.randint(1, 3),
                height=chance.choice([99, 100, 100, 103]) * 2,
                phash=phash,
                grey=chance.randint(0, 30),
            )
        )
    return members
