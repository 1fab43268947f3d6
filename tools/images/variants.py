"""`python -m tools.images.variants cpu|gpu FILE`: the pinned requirements of one kind of image.

The package index holds torch for CUDA alone, and the lock pins it with the libraries of CUDA, 4 GB
of them: the `gpu` variant is the lock as it is. The `cpu` variant leaves these libraries out, since
nothing but torch asks for them, and takes the same version of torch from PyTorch's index of builds
for the CPU, by the hash that is given to the build. Every other pin and hash is the lock's.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tools.images.lock import Pin, read_pins

CUDA = re.compile(r"(nvidia|cuda)-.+|triton")
VARIANTS = ("cpu", "gpu")


def chosen(pins: Sequence[Pin], variant: str, torch_sha256: str = "") -> list[Pin]:
    """The pins of a variant.

    Args:
        pins: of the lock.
        variant: `cpu` or `gpu`.
        torch_sha256: of the wheel of torch for the CPU, for the variant `cpu`.

    Raises:
        ValueError: the variant `cpu` without that hash.
    """
    if variant == "gpu":
        return list(pins)
    if not re.fullmatch(r"[0-9a-f]{64}", torch_sha256):
        raise ValueError(
            "the variant cpu needs the SHA-256 of torch's wheel for the CPU: give "
            "--build-arg TORCH_CPU_SHA256=…, as infra/images/README.md says"
        )
    kept = [pin for pin in pins if not CUDA.fullmatch(pin.name)]
    return [_for_cpu(pin, torch_sha256) if pin.name == "torch" else pin for pin in kept]


def _for_cpu(torch: Pin, sha256: str) -> Pin:
    return replace(torch, version=f"{torch.version}+cpu", hashes=(sha256,))


def main(arguments: Sequence[str]) -> int:
    """Print the requirements of a variant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("file", type=Path)
    parser.add_argument("--torch-sha256", default="")
    given = parser.parse_args(arguments)
    try:
        pins = chosen(read_pins(given.file.read_text()), given.variant, given.torch_sha256)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(map(str, pins)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
