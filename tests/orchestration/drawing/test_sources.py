from pathlib import Path

import pytest

from dalle_model.checkpoint import CheckpointError
from orchestration.drawing.sources import NoPriorError, load_sources
from orchestration.engine.config import NoRunError
from tests.support.drawing import saved_prior


def test_a_prior_draws_by_the_shipped_codec_of_its_codes(tmp_path: Path) -> None:
    url = saved_prior(str(tmp_path / "prior.safetensors"))
    sources = load_sources([url, "world"], "no run is needed")
    assert [source.name for source in sources] == [url, "world"]
    for source in sources:
        assert source.codec.facts.sha256 == source.trained.codes.sha256


def test_a_prior_of_a_codec_that_does_not_ship_needs_its_run(tmp_path: Path) -> None:
    url = saved_prior(str(tmp_path / "prior.safetensors"), "ab" * 32)
    with pytest.raises(NoPriorError, match=r"codec abababababab, which does not ship.*--dir"):
        load_sources([url], "")


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nowhere\.safetensors"):
        load_sources([str(tmp_path / "nowhere.safetensors")], "")
    with pytest.raises(NoRunError, match="is not a run directory"):
        load_sources([], str(tmp_path))
