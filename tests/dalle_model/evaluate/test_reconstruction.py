import math

import numpy as np
import pytest

from dalle_model.evaluate.reconstruction import code_use, psnr


def test_psnr_in_decibels() -> None:
    black = np.zeros((2, 4, 4, 3), np.uint8)
    assert psnr(black, np.full_like(black, 255)) == 0
    assert psnr(black, np.full_like(black, 51)) == pytest.approx(20 * math.log10(5))
    assert psnr(black, black) == math.inf


def test_psnr_needs_equal_shapes() -> None:
    with pytest.raises(ValueError, match="cannot compare"):
        psnr(np.zeros((1, 4, 4, 3), np.uint8), np.zeros((2, 4, 4, 3), np.uint8))


def test_code_use() -> None:
    use = code_use(np.array([[0, 1, 2, 3], [3, 2, 1, 0]], np.uint16), num_codes=8)
    assert (use.used, use.num_codes) == (4, 8)
    assert use.perplexity == pytest.approx(4)


def test_codes_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="below 4"):
        code_use(np.array([4], np.uint16), num_codes=4)
