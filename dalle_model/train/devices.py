"""What a training is done on: devices with their peaks, as their makers state them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Device:
    """One accelerator, or one core of a processor.

    Args:
        name: by which it is asked for.
        peak_flops: a second, of dense products of matrices in 16 bits.
        ram_bytes: of its own memory.
        link_bytes: a second that it sends to the others of its machine, in one direction.
        network_bytes: a second that it sends to other machines, as its share of their network.
        per_machine: of a machine.
        source: of all these.
        mfu: the share of the peak that trainings of transformers reach on it.
        mfu_source: who has measured that.
    """

    name: str
    peak_flops: float
    ram_bytes: float
    link_bytes: float
    network_bytes: float
    per_machine: int
    source: str
    mfu: float
    mfu_source: str


_TORCHTITAN = "Liang et al. 2024, arXiv 2410.06511: 33 to 39 % of Llama 3 8B on H100"

# Peaks of NVIDIA's data sheets are of sparse matrices; of dense ones they are half as high. Links
# are half of what the sheets state, which is both directions.
DEVICES: Mapping[str, Device] = {
    "h200": Device(
        name="h200",
        peak_flops=989.5e12,
        ram_bytes=141e9,
        link_bytes=450e9,
        network_bytes=50e9,
        per_machine=8,
        source="NVIDIA H200 SXM data sheet; of the network, DGX H200: 400 Gb/s a card",
        mfu=0.36,
        mfu_source=_TORCHTITAN,
    ),
    "h100": Device(
        name="h100",
        peak_flops=989.5e12,
        ram_bytes=80e9,
        link_bytes=450e9,
        network_bytes=50e9,
        per_machine=8,
        source="NVIDIA H100 SXM data sheet; of the network, DGX H100: 400 Gb/s a card",
        mfu=0.36,
        mfu_source=_TORCHTITAN,
    ),
    "a100": Device(
        name="a100",
        peak_flops=312e12,
        ram_bytes=80e9,
        link_bytes=300e9,
        network_bytes=25e9,
        per_machine=8,
        source="NVIDIA A100 SXM 80 GB data sheet; of the network, DGX A100: 200 Gb/s a card",
        mfu=0.57,
        mfu_source="PyTorch blog, Maximizing training throughput, 2024: 57 % of Llama 7B on A100",
    ),
    "v100": Device(
        name="v100",
        peak_flops=125e12,
        ram_bytes=16e9,
        link_bytes=150e9,
        network_bytes=6.25e9,
        per_machine=8,
        source="NVIDIA V100 SXM2 data sheet, of float16; of the network, DGX-1: 4 x 100 Gb/s",
        mfu=0.20,
        mfu_source="Patterson et al. 2021, arXiv 2104.10350, table 4: 24.6 TFLOP/s of GPT-3",
    ),
    # One core of Zen 4; its memory and network are chosen, as those of rented machines.
    "cpu": Device(
        name="cpu",
        peak_flops=236e9,
        ram_bytes=4e9,
        link_bytes=1e9,
        network_bytes=0.1e9,
        per_machine=32,
        source="Zen 4: 32 bfloat16 multiply-adds a cycle at 3.7 GHz; memory and network are chosen",
        mfu=0.40,
        mfu_source="docs/training.md, measured on one core",
    ),
}


def device_called(hardware: str) -> Device | None:
    """The device that a driver calls so, as `NVIDIA H200`; None where its peak is not known."""
    words = hardware.lower().replace("-", " ").split()
    return next((device for name, device in DEVICES.items() if name in words), None)
