"""Stages that keep the best of several images: what of their settings decides a result."""

import pytest

from dalle_model.clip.registry import scorer_facts
from dalle_model.clip.scorer import ScorerError
from pipelines.best_of import curves, with_scores
from pipelines.samples.config import SamplesConfig
from pipelines.samples.stage import STAGE as SAMPLES
from pipelines.zero_shot.config import ZeroShotConfig
from pipelines.zero_shot.stage import STAGE as ZERO_SHOT


def test_without_a_choice_a_result_depends_on_none() -> None:
    config = SamplesConfig()
    assert config.scored_by == ""
    assert SAMPLES.settings(config).keys() == {"num_captions", "sampling"}
    assert SAMPLES.dependencies(config, {}).keys() == {"torch", "tokenizers"}
    assert ZERO_SHOT.settings(ZeroShotConfig(world="w")).keys() == {"num_captions", "sampling"}
    assert curves(config, {}, "") == []


def test_a_choice_is_a_setting_and_its_scorer_a_dependency() -> None:
    config = SamplesConfig(best_of=16)
    assert config.scored_by == "drawn"
    assert SAMPLES.settings(config)["best_of"] == 16
    assert scorer_facts("drawn").items() <= SAMPLES.dependencies(config, {}).items()
    named = SamplesConfig(best_of=16, scorer="drawn")
    assert SAMPLES.settings(named) == SAMPLES.settings(config)
    with pytest.raises(ScorerError, match=r"nowhere\.safetensors"):
        SAMPLES.dependencies(SamplesConfig(best_of=2, scorer="nowhere.safetensors"), {})


def test_one_image_of_each_caption_can_be_scored() -> None:
    config = SamplesConfig(scorer="demo")
    assert config.scored_by == "demo"
    assert SAMPLES.settings(config)["best_of"] == 1


def test_a_scorers_path_counts_from_the_config() -> None:
    config = ZeroShotConfig(world="w", scorer="ViT-B-32@a.safetensors")
    located = ZERO_SHOT.relocate(config, "/configs")
    assert (located.world, located.scorer) == ("/configs/w", "ViT-B-32@/configs/a.safetensors")
    assert SAMPLES.relocate(SamplesConfig(), "/configs") == SamplesConfig()


def test_a_sheet_shows_scores_where_captions_are_not_cut() -> None:
    assert with_scores(["a cat"], [0.12345]) == ["0.123  a cat"]
