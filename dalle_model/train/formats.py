"""Floating-point formats of 16 bits other than IEEE's: numbers rounded to them, and back.

A number is stored as the 16 bits of its sign, exponent and mantissa, in an int16 tensor, because
torch has no arithmetic in these formats: it is decoded to float32 before it is used.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

_FLOAT32_MANTISSA, _FLOAT32_BIAS = 23, 127
_FLOAT32_IMPLICIT = 1 << _FLOAT32_MANTISSA
_FLOAT32_INFINITY = 0xFF << _FLOAT32_MANTISSA
_BITS = 16


@dataclass(frozen=True)
class SmallFloat:
    """A format laid out as IEEE's are: subnormal numbers below, infinity and NaN above.

    Args:
        name: by which a setting calls it.
        exponent_bits: of the biased exponent; all of them set for infinity and NaN.
        mantissa_bits: after the implicit first one.
        bias: of the exponent.
        is_signed: whether the first bit is a sign; without one no number is below 0.
    """

    name: str
    exponent_bits: int
    mantissa_bits: int
    bias: int
    is_signed: bool

    @property
    def largest(self) -> float:
        """The largest finite number."""
        top = 2**self.exponent_bits - 2 - self.bias
        return float((2 - 2.0**-self.mantissa_bits) * 2.0**top)

    @property
    def smallest(self) -> float:
        """The smallest number above 0."""
        return float(2.0 ** (1 - self.bias - self.mantissa_bits))

    def encode(self, x: Tensor) -> Tensor:
        """Round to the nearest number, of two as near to the one with an even mantissa.

        Args:
            x: float32.

        Returns:
            int16 of the same shape: the bits. What rounds beyond `largest` is infinity; without a
            sign, what is below 0 is NaN.
        """
        bits = x.view(torch.int32)
        magnitude = bits & 0x7FFFFFFF
        code = torch.where(magnitude < _FLOAT32_INFINITY, self._rounded(magnitude), self._infinity)
        is_nan = magnitude > _FLOAT32_INFINITY
        if self.is_signed:
            sign = (bits < 0).to(torch.int32) << (_BITS - 1)
        else:
            sign = torch.zeros_like(bits)
            is_nan = is_nan | (x < 0)
        return torch.where(is_nan, self._infinity + 1, code | sign).to(torch.int16)

    def decode(self, code: Tensor) -> Tensor:
        """The numbers that `encode` gave the bits of, exactly, as float32."""
        bits = code.to(torch.int32) & 0xFFFF
        mantissa = bits & ((1 << self.mantissa_bits) - 1)
        exponent = (bits >> self.mantissa_bits) & ((1 << self.exponent_bits) - 1)
        significand = mantissa + ((exponent > 0).to(torch.int32) << self.mantissa_bits)
        power = exponent.clamp(min=1) - self.bias - self.mantissa_bits + _FLOAT32_BIAS
        x = significand * (power << _FLOAT32_MANTISSA).view(torch.float32)
        x = torch.where(exponent < (1 << self.exponent_bits) - 1, x, torch.inf)
        x = torch.where((x == torch.inf) & (mantissa > 0), torch.nan, x)
        return torch.where(bits >> (_BITS - 1) > 0, -x, x) if self.is_signed else x

    @property
    def _infinity(self) -> int:
        return ((1 << self.exponent_bits) - 1) << self.mantissa_bits

    def _rounded(self, magnitude: Tensor) -> Tensor:
        """Bits without the sign of finite numbers, given the bits of their float32."""
        exponent = (magnitude >> _FLOAT32_MANTISSA) - _FLOAT32_BIAS + self.bias
        significand = (magnitude & (_FLOAT32_IMPLICIT - 1)) | _FLOAT32_IMPLICIT
        # A subnormal number loses a bit for each power of two below the least exponent; shifted
        # two places beyond its own 24 bits, any significand is 0.
        dropped = (_FLOAT32_MANTISSA - self.mantissa_bits + 1 - exponent.clamp(max=1)).clamp(max=25)
        is_odd = (significand >> dropped) & 1
        rounded = (significand + (1 << (dropped - 1)) - 1 + is_odd) >> dropped
        # The implicit bit, and what rounding carries, adds itself to the exponent.
        code = rounded + ((exponent.clamp(min=1) - 1) << self.mantissa_bits)
        return code.clamp(max=self._infinity)


# Source: Ramesh et al. 2021, appendix B.2, for both layouts; appendix E, for the largest number of
# 1-6-9, "slightly less than 16", which gives its bias. For that of 0-6-10 it says nothing; chosen:
# the same, which holds variances up to 5, the most that the paper keeps, with room to spare.
MEAN_FORMAT = SmallFloat("1-6-9", exponent_bits=6, mantissa_bits=9, bias=59, is_signed=True)
VARIANCE_FORMAT = SmallFloat("0-6-10", exponent_bits=6, mantissa_bits=10, bias=59, is_signed=False)
