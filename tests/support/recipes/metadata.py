"""Tables of metadata as DataComp publishes them, with rows on every side of every rule."""

import random
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

# Beside words: what splits, counts or looks like one in some way and not in another.
_SPACES = (" ", " ", " ", " ", " ", " ", "  ", "\t", "\n", "\u00a0", "\u2003", "\x1c", "\x0b")
_FOREIGN = (
    "ein roter Apfel auf dem Tisch",
    "un chien court sur la plage",
    "две собаки бегут по пляжу",
    "海辺を走る二匹の犬",
    "dos perros en la playa",
    "IMG_2031.jpg",
    "",
    " ",
    "ab cd",
    "a b c",
)


def metadata(num_rows: int, words: Sequence[str], seed: int = 0) -> pa.Table:
    """Rows with distinct ids, captions of some words, sizes and scores about the limits.

    Args:
        num_rows: how many.
        words: of captions.
        seed: of all that is drawn.
    """
    drawn, rng = random.Random(seed), np.random.default_rng(seed)
    digits = rng.bytes(16 * num_rows).hex()
    scores = rng.normal(0.26, 0.05, (2, num_rows)).astype(np.float32)
    scores[:, ::7] = np.float32(0.28)  # ties at a limit
    scores[:, 3::101] = np.float32(0.25)
    return pa.table(
        {
            "uid": [digits[32 * i : 32 * i + 32] for i in range(num_rows)],
            "url": [f"http://a.test/{i}.jpg" for i in range(num_rows)],
            "text": [_caption(drawn, words) for _ in range(num_rows)],
            "original_width": rng.choice([199, 200, 201, 600, 601, 603, 800], num_rows),
            "original_height": rng.choice([199, 200, 201, 300, 1800], num_rows),
            "clip_b32_similarity_score": scores[0],
            "clip_l14_similarity_score": scores[1],
        }
    )


def _caption(drawn: random.Random, words: Sequence[str]) -> str:
    if drawn.random() < 0.25:
        return drawn.choice(_FOREIGN)
    chosen = drawn.choices(words, k=drawn.randint(1, 9))
    return "".join(_cased(drawn, w) + drawn.choice(_SPACES) for w in chosen).rstrip(" ")


def _cased(drawn: random.Random, word: str) -> str:
    return word.upper() if drawn.random() < 0.05 else word
