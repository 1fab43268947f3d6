import math
from fractions import Fraction

import pytest
import torch

from dalle_model.train.formats import MEAN_FORMAT, VARIANCE_FORMAT, SmallFloat

FORMATS = [MEAN_FORMAT, VARIANCE_FORMAT]
# IEEE's half precision is laid out alike, and torch rounds to it.
HALF = SmallFloat("1-5-10", exponent_bits=5, mantissa_bits=10, bias=15, is_signed=True)
EVERY_CODE = torch.arange(-(2**15), 2**15).to(torch.int16)

parametrize_formats = pytest.mark.parametrize("small", FORMATS, ids=lambda small: small.name)


def slow_decode(small: SmallFloat, code: int) -> float:
    """The number of a bit pattern, from the definition and with exact fractions."""
    mantissa = code % 2**small.mantissa_bits
    exponent = code // 2**small.mantissa_bits % 2**small.exponent_bits
    sign = -1 if small.is_signed and code >= 2**15 else 1
    if exponent == 2**small.exponent_bits - 1:
        return math.nan if mantissa else sign * math.inf
    fraction = Fraction(mantissa, 2**small.mantissa_bits) + (exponent > 0)
    return float(sign * fraction * Fraction(2) ** (max(exponent, 1) - small.bias))


def pattern(code: torch.Tensor) -> list[int]:
    return [int(c) % 2**16 for c in code]


@parametrize_formats
def test_every_bit_pattern_is_the_number_of_the_definition(small: SmallFloat) -> None:
    found = small.decode(EVERY_CODE)
    expected = torch.tensor([slow_decode(small, c) for c in pattern(EVERY_CODE)])
    assert torch.equal(found.nan_to_num(nan=99), expected.nan_to_num(nan=99))


@parametrize_formats
def test_every_number_of_the_format_is_encoded_as_itself(small: SmallFloat) -> None:
    numbers = small.decode(EVERY_CODE)
    is_nan = numbers.isnan()
    assert torch.equal(small.encode(numbers)[~is_nan], EVERY_CODE[~is_nan])
    assert small.decode(small.encode(numbers[is_nan])).isnan().all()


@parametrize_formats
def test_what_lies_between_goes_to_the_nearest_and_ties_go_to_even(small: SmallFloat) -> None:
    codes = torch.arange(((2**small.exponent_bits - 1) << small.mantissa_bits) - 1)
    lower, upper = small.decode(codes), small.decode(codes + 1)
    tie = (lower + upper) / 2
    for numbers, expected in (
        (torch.nextafter(tie, lower), codes),
        (tie, codes + codes % 2),
        (torch.nextafter(tie, upper), codes + 1),
    ):
        assert torch.equal(small.encode(numbers).to(torch.int64) & 0xFFFF, expected)


@parametrize_formats
def test_random_numbers_are_rounded_as_a_search_through_all_numbers_does(small: SmallFloat) -> None:
    draw = torch.Generator().manual_seed(0)
    exponents = torch.randint(-72, 4, (200,), generator=draw)
    numbers = torch.ldexp(1 + torch.rand(200, generator=draw), exponents)
    codes = torch.arange((2**small.exponent_bits - 1) << small.mantissa_bits)
    held = small.decode(codes).double()
    for number, code in zip(numbers.double(), small.encode(numbers), strict=True):
        assert (held - number).abs().argmin() == int(code) & 0xFFFF


def test_half_precision_is_rounded_as_by_torch() -> None:
    bits = torch.randint(-(2**31), 2**31, (200_000,), generator=torch.Generator().manual_seed(1))
    numbers = torch.cat(
        [bits.to(torch.int32).view(torch.float32), HALF.decode(EVERY_CODE) * 1.0001]
    )
    expected, found = numbers.half(), HALF.encode(numbers)
    is_nan = expected.isnan()
    assert torch.equal(found[~is_nan], expected.view(torch.int16)[~is_nan])
    assert torch.equal(HALF.decode(found).isnan(), is_nan)


def test_the_paper_s_formats_end_slightly_below_16() -> None:
    assert MEAN_FORMAT.largest == 15.984375
    assert VARIANCE_FORMAT.largest == 15.9921875
    assert (MEAN_FORMAT.smallest, VARIANCE_FORMAT.smallest) == (2.0**-67, 2.0**-68)


def test_beyond_the_largest_is_infinity_and_below_the_smallest_is_zero() -> None:
    x = torch.tensor(
        [15.992, 15.9922, -16, torch.inf, -torch.inf, 2.0**-68, -(2.0**-69), 1e-45, -0.0]
    )
    found = MEAN_FORMAT.decode(MEAN_FORMAT.encode(x))
    expected = [15.984375, torch.inf, -torch.inf, torch.inf, -torch.inf, 0, -0.0, 0, -0.0]
    assert torch.equal(found, torch.tensor(expected))
    assert torch.equal(found.signbit(), torch.tensor(expected).signbit())


def test_a_format_without_a_sign_has_nothing_below_zero() -> None:
    x = torch.tensor([-1e-30, -torch.inf, -0.0, 1.0])
    found = VARIANCE_FORMAT.decode(VARIANCE_FORMAT.encode(x))
    assert torch.equal(found.isnan(), torch.tensor([True, True, False, False]))
    assert torch.equal(found[2:], torch.tensor([0.0, 1.0]))
