"""A person's question about a training is answered by values that print themselves."""

import re

import pytest
import yaml

from dalle_model.config import PRIOR_PRESETS
from dalle_model.train.devices import DEVICES
from orchestration import api
from orchestration.engine.config import ConfigError
from orchestration.scale.training import TrainingEstimate
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest, write_manifest
from tests.support.documents import ROOT, section, snippets, table_rows

PAPER = {"dvae": {}, "bpe": {"vocab_size": 16384}, "prior": {"preset": "paper"}}


@pytest.fixture
def config(tmp_path):
    (tmp_path / "pairs.tsv").write_text("a red apple\thttp://h.example/1.png\n")
    return {"crawl": {"sources": [{"path": f"{tmp_path}/pairs.tsv"}]}}


def lines_of(found: TrainingEstimate) -> dict[str, str]:
    """By the first word of a line, the rest of it."""
    return {line.split()[0]: line for line in str(found).splitlines() if line[:1].strip()}


def test_the_paper_s_prior_on_the_paper_s_cluster(config):
    found = api.estimate_training(config | PAPER, device="v100", devices=1024, pairs=250e6)
    lines = lines_of(found)
    assert "12,292,833,024, of which 12,092,178,432" in lines["parameters"]
    assert "430,000 of 1,024 rows: 440,320,000 rows, 564 billion tokens" in lines["steps"]
    assert "1.76 of 250,000,000 rows" in lines["epochs"]
    assert "fsdp" in lines["fits"]
    assert "PowerSGD of rank 896: 86% less" in str(found)
    assert "78" in lines["time"]
    assert max(map(len, str(found).splitlines())) <= 100


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("devices", [1, 8, 4096])
def test_every_device_is_planned_for_with_its_source(config, device, devices):
    shown = str(api.estimate_training(config | {"prior": {}}, device=device, devices=devices))
    assert DEVICES[device].source in shown
    assert DEVICES[device].mfu_source in shown
    assert ("links" in shown) == (devices > 1)


def test_a_share_of_the_peak_that_is_given_is_the_one_that_counts(config):
    slow = api.estimate_training(config | {"prior": {}}, device="h200", mfu=0.1)
    fast = api.estimate_training(config | {"prior": {}}, device="h200", mfu=0.5)
    assert slow.total_s == pytest.approx(5 * fast.total_s)
    assert "10%            as given" in str(slow)


def test_rows_are_counted_in_the_run_s_token_shards(config, tmp_path):
    with pytest.raises(ConfigError, match="no finished token shards"):
        api.estimate_training(config | {"prior": {}}, str(tmp_path))
    manifest = Manifest("encode", "f" * 64, {}, {}, {}, num_shards=4, rows_in=1572, rows_out=1572)
    write_manifest(RunFolder(str(tmp_path)).stage("encode"), manifest)
    demo = api.estimate_training(config | {"prior": {}}, str(tmp_path))
    assert (demo.rows, demo.epochs) == (320, 30)  # as many as the preset's choice leaves
    small = api.estimate_training(config | {"prior": {"preset": "small"}}, str(tmp_path))
    assert small.rows == 1572
    assert "not known: --dir" in str(api.estimate_training(config | {"prior": {}}))


def test_more_devices_take_less_time_and_less_memory_for_each(config):
    found = [
        api.estimate_training(config | PAPER, device="h200", devices=n) for n in (64, 128, 256)
    ]
    assert [one.total_s for one in found] == sorted((one.total_s for one in found), reverse=True)


def test_numbers_are_for_people(config):
    shown = str(api.estimate_training(config | PAPER, device="h200", devices=64))
    assert not re.search(r"\d{5,}(?![\d,]*%)", shown.replace("2410.06511", ""))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"device": "h20"}, "no device 'h20' to plan for; did you mean `h200`"),
        ({"device": "qqq"}, "there are h200, h100, a100, v100, cpu"),
        ({"devices": 0}, "--devices 0"),
        ({"mfu": 1.5}, "--mfu 1.5"),
        ({"pairs": float("nan")}, "--pairs nan"),
    ],
)
def test_what_makes_no_sense_is_refused(config, arguments, said):
    with pytest.raises(ConfigError, match=said):
        api.estimate_training(config | {"prior": {}}, **arguments)


def test_a_config_that_trains_nothing_names_what_to_add(config):
    with pytest.raises(ConfigError, match=r"add `prior: \{\}`"):
        api.estimate_training(config)


def test_sizes_that_do_not_fit_are_refused_before_they_are_counted(config):
    with pytest.raises(ConfigError, match=r"set prior\.model\.grid to 8"):
        api.estimate_training(config | {"prior": {"model": {"grid": 16}}})


DOCUMENT = ROOT / "docs" / "training.md"


def test_the_document_shows_what_is_printed(config):
    shown = next(s.text for s in snippets("", path=DOCUMENT) if s.text.startswith("prior of"))
    settings = yaml.safe_load(snippets("yaml", path=DOCUMENT)[0].text) | config
    found = api.estimate_training(settings, device="h100", devices=8, pairs=3.3e6)
    assert str(found) == shown.rstrip("\n")


def test_the_document_s_table_of_presets_is_computed(config):
    rows = table_rows(section(DOCUMENT, "## Sizes of the prior"))
    assert [row[0].strip("`") for row in rows] == list(PRIOR_PRESETS)
    for preset, parameters, seen, devices, fits, time in rows:
        settings = config | {"prior": {"preset": preset.strip("`")}}
        if preset != "`demo`":
            settings |= {"dvae": {}, "bpe": {"vocab_size": 16384}}
        number, device = devices.split()
        found = api.estimate_training(settings, device=device, devices=int(number))
        assert found.fit is not None
        assert [f"{found.load.parameters:,}", f"{found.load.rows:,}"] == [parameters, seen]
        assert (found.fit.sharding, found.fit.recomputes) == (fits, False)
        assert f"time           {time} on {number} x {device}" in str(found)
