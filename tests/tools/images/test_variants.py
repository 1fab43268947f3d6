import subprocess
import sys

import pytest

from tests.support.documents import ROOT
from tools.images.lock import read_pins
from tools.images.variants import CUDA, chosen

LOCK = ROOT / "requirements.txt"
PINS = read_pins(LOCK.read_text())
SHA256 = "0123456789abcdef" * 4


def test_the_variant_for_gpus_is_the_lock():
    assert chosen(PINS, "gpu") == PINS


def test_the_variant_for_cpus_has_no_library_of_cuda_and_another_build_of_torch():
    kept = {pin.name: pin for pin in chosen(PINS, "cpu", SHA256)}
    locked = {pin.name: pin for pin in PINS}
    assert not [name for name in kept if "nvidia" in name or "cuda" in name or name == "triton"]
    torch = kept.pop("torch")
    assert (torch.version, torch.hashes) == (f"{locked['torch'].version}+cpu", (SHA256,))
    assert all(pin == locked[name] for name, pin in kept.items())


def test_nothing_that_stays_asks_for_what_is_left_out():
    left_out = {pin.name for pin in PINS if CUDA.fullmatch(pin.name)}
    assert len(left_out) > 10
    for pin in PINS:
        if pin.name in left_out:
            assert set(pin.via) <= left_out | {"torch"}, pin.name


def test_the_variant_for_cpus_needs_the_hash_of_torch():
    for wrong in ("", "0" * 63, "sha256:" + SHA256, "G" * 64):
        with pytest.raises(ValueError, match="needs the SHA-256 of torch's wheel for the CPU"):
            chosen(PINS, "cpu", wrong)


def test_the_build_runs_it_with_nothing_installed():
    command = [sys.executable, "-S", "-m", "tools.images.variants", "cpu", "requirements.txt"]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "needs the SHA-256" in refused.stderr
    done = subprocess.run(
        [*command, "--torch-sha256", SHA256], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert [pin.name for pin in read_pins(done.stdout)] == [
        pin.name for pin in chosen(PINS, "cpu", SHA256)
    ]
