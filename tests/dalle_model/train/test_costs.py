"""Memory, bytes on links and seconds: against the paper's numbers and what can be counted."""

from dataclasses import replace

import pytest

from dalle_model.config import PRIOR_PRESETS, PriorConfig
from dalle_model.prior.costs import stream_len
from dalle_model.settings import PRIOR_TRAINING_PRESETS, PairChoice, PriorTraining
from dalle_model.train.costs import (
    USABLE,
    Cluster,
    fit,
    memory,
    parts_that_fit,
    rank_for,
    rows_at_once,
    sent_bytes,
    step_seconds,
)
from dalle_model.train.devices import DEVICES, device_called
from dalle_model.train.prior_load import prior_load


def load_of(preset: str, **settings: object):
    training = replace(PRIOR_TRAINING_PRESETS[preset], **settings)  # type: ignore[arg-type]
    return prior_load(PRIOR_PRESETS[preset], training, PairChoice())


def cluster(device: str, devices: int) -> Cluster:
    return Cluster(DEVICES[device], devices, DEVICES[device].per_machine)


@pytest.mark.parametrize(("width", "rank"), [(1920, 512), (2688, 640), (3968, 896)])
def test_ranks_of_other_widths_are_in_the_proportion_of_the_paper_s(width, rank):
    """Ramesh et al. 2021, table 1."""
    assert rank_for(width) == rank
    assert rank_for(width + 1) == rank


def test_the_paper_trained_on_564_billion_tokens_with_4e22_operations():
    load = load_of("paper")
    assert load.rows == 430_000 * 1024 == pytest.approx(1.76 * 250e6, rel=0.01)
    assert load.rows * load.tokens == pytest.approx(564e9, rel=0.001)
    assert load.rows * load.flops == pytest.approx(4.06e22, rel=0.03)


@pytest.mark.parametrize(
    ("preset", "tokens_a_second"),
    [("paper", 5_370), ("1.4b", 46_600), ("350m", 203_000), ("small", 2_000_000)],
)
def test_tokens_a_second_at_half_of_790_tflops(preset, tokens_a_second):
    """Floors counted by hand of 6 N, heads, and attention by the density of its masks."""
    half = Cluster(replace(DEVICES["h200"], peak_flops=790e12), 1, 8)
    load = load_of(preset)
    found = load.tokens * load.batch_size / step_seconds(load, half, mfu=0.5)
    assert found == pytest.approx(tokens_a_second, rel=0.03)


def test_kinds_of_memory_add_up_and_sharding_parts_them():
    load, eight = load_of("1.4b"), cluster("h200", 8)
    whole = memory(load, eight, "ddp", recomputes=False)
    parted = memory(load, eight, "fsdp", recomputes=False)
    assert whole.weights == 4 * load.parameters == 8 * parted.weights
    assert whole.moments == 8 * load.parameters == 8 * parted.moments
    assert parted.gradients < whole.gradients / 4
    kept = memory(replace(load, accumulation=2), eight, "fsdp", recomputes=False)
    assert kept.gradients == whole.gradients  # until the last part of the rows
    assert whole.activations == parted.activations == 96 * load.kept_bytes
    kinds = (whole.weights, whole.copies, whole.gradients, whole.moments, whole.average)
    assert whole.total == sum(kinds) + whole.activations
    assert memory(load, eight, "alone", recomputes=False).activations == 768 * load.kept_bytes


def test_muon_keeps_one_moment_of_a_matrix():
    adamw, muon = load_of("demo", optimizer="adamw"), load_of("demo")
    assert adamw.moment_bytes == 8 * adamw.parameters
    assert adamw.moment_bytes - muon.moment_bytes == 4 * muon.matrices


def test_moments_of_16_bits_are_those_of_matrices():
    paper, plain = load_of("paper"), load_of("paper", moment_bits=32)
    assert plain.moment_bytes - paper.moment_bytes == 2 * 2 * paper.matrices


def test_twelve_billion_parameters_fit_only_where_they_are_parted():
    paper, many = load_of("paper"), cluster("h200", 64)
    assert fit(paper, cluster("h200", 1)) is None
    assert parts_that_fit(paper, many, "ddp", recomputes=True) is None
    found = fit(paper, many)
    assert found is not None
    assert found.sharding == "fsdp"


def test_1_4_billion_on_one_card_leave_room_for_64_streams():
    load = load_of("1.4b")
    one = memory(load, cluster("h200", 1), "alone", recomputes=True)
    free = USABLE * DEVICES["h200"].ram_bytes - (one.total - one.activations)
    assert free > 64 * load.recomputed_bytes


@pytest.mark.parametrize("preset", PRIOR_PRESETS)
@pytest.mark.parametrize("devices", [1, 8, 64])
def test_what_fits_fits_and_one_part_less_does_not(preset, devices):
    load, many = load_of(preset), cluster("h200", devices)
    found = fit(load, many)
    if found is None:
        assert preset == "paper"
        return
    parted = replace(load, accumulation=found.accumulation)
    limit = USABLE * DEVICES["h200"].ram_bytes
    held = memory(parted, many, found.sharding, recomputes=found.recomputes)
    assert held.total <= limit
    if found.accumulation > 1:
        fewer = replace(load, accumulation=found.accumulation - 1)
        assert memory(fewer, many, found.sharding, recomputes=found.recomputes).total > limit


def test_rows_are_rounded_up_and_parts_are_of_a_device():
    load = replace(load_of("small"), batch_size=100, accumulation=3)
    assert [rows_at_once(load, devices) for devices in (1, 4, 64)] == [34, 9, 1]


def test_a_ring_sends_each_byte_twice_but_for_its_own_part():
    load = load_of("small")
    assert sent_bytes(load, 4, "ddp") == 2 * 3 / 4 * 4 * load.parameters
    outer = load.parameters - load.matrices
    gathered = 2 * load.matrices + 4 * outer
    assert sent_bytes(load, 4, "fsdp") == 3 / 4 * (2 * gathered + 4 * load.parameters)
    parted = replace(load, accumulation=3)
    assert sent_bytes(parted, 4, "fsdp") == 3 / 4 * (6 * gathered + 4 * load.parameters)
    assert sent_bytes(load, 1, "ddp") == sent_bytes(load, 1, "fsdp") == 0


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_names_its_sources_and_is_found_by_its_driver_s_name(name):
    device = DEVICES[name]
    assert device.name == name
    assert device.source
    assert device.mfu_source
    assert 0 < device.mfu < 1


def test_drivers_names():
    assert device_called("NVIDIA A100-SXM4-80GB") is DEVICES["a100"]
    assert device_called("NVIDIA H200") is DEVICES["h200"]
    assert device_called("Tesla V100-SXM2-16GB") is DEVICES["v100"]
    assert device_called("NVIDIA GeForce RTX 4090") is None


@pytest.mark.parametrize(("preset", "share"), [("small", 0.02), ("1.4b", 0.05), ("paper", 0.01)])
def test_presets_see_as_many_tokens_for_each_parameter_as_the_paper(preset, share):
    load = load_of(preset)
    assert load.rows * load.tokens / load.parameters == pytest.approx(45.85, rel=share)


def test_the_choice_of_pairs_bounds_the_rows():
    choice = PairChoice(max_images=320, captions_per_image=2)
    assert prior_load(PriorConfig(), PriorTraining(), choice).most_rows == 640
    assert prior_load(PriorConfig(), PriorTraining(), PairChoice(max_images=3)).most_rows is None
    assert stream_len(PriorConfig()) == 1280
