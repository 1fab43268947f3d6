import math

import pyarrow as pa
import pytest
from pydantic import BaseModel

from pipelines.quality import config as configs
from pipelines.quality import judge as judges
from pipelines.quality.config import ScoresConfig
from pipelines.quality.judge import Judge
from pipelines.quality.scorer import Rule, Scorer
from pipelines.quality.weights import ScorerError
from pipelines.rejection import Check
from tests.support.image_rows import row


class Limits(BaseModel):
    most: float | None = 0.1


def scorer(name: str, score) -> Scorer:
    return Scorer(
        name=name,
        about="",
        config=Limits,
        columns=lambda _: [pa.field(name, pa.float32())],
        rules=(Rule(f"{name}_high", name, "most"),),
        cpu_s=0,
        load=lambda _section, _weights: score,
    )


def judge(*scorers: Scorer, most: float | None = 0.1) -> Judge:
    chosen = ScoresConfig()
    asked = [(one, Limits(most=most)) for one in scorers]
    object.__setattr__(chosen, "asked", lambda: asked)
    return Judge(chosen)


def constant(name: str, value: float) -> Scorer:
    return scorer(name, lambda _: {name: value})


def test_scores_are_as_they_will_be_read_back_and_so_are_verdicts():
    found = judge(constant("one", 0.1), most=None).judge(row(1))
    assert found == {"one": 0.10000000149011612}
    failed = judge(constant("one", 0.1), most=0.1).judge(row(1))
    assert failed == Check("one_high", False, 0.10000000149011612, 0.1)


def test_behind_a_rule_that_fails_no_scorer_is_asked():
    asked = []

    def looks(stored):
        asked.append(stored)
        return {"last": 0}

    last = scorer("last", looks)
    failed = judge(constant("one", 5), last).judge(row(1))
    assert isinstance(failed, Check)
    assert failed.reason == "one_high"
    assert asked == []
    assert judge(constant("one", 0), last).judge(row(1)) == {"one": 0, "last": 0}
    assert [(s.width, s.height, s.rgb.shape, s.num_bytes) for s in asked] == [
        (40, 30, (16, 16, 3), len(row(1)["image"]))
    ]


def test_an_image_that_a_scorer_fails_on_is_dropped_with_what_it_said():
    def fails(_stored):
        raise RuntimeError("no kernel for this shape" + "!" * 1000)

    failed = judge(scorer("one", fails)).judge(row(1))
    assert isinstance(failed, Check)
    assert (failed.reason, failed.passed) == ("scorer_failed", False)
    assert failed.detail.startswith("one: RuntimeError: no kernel for this shape!")
    assert len(failed.detail) < 250


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_passes_no_limit(value):
    failed = judge(constant("one", value), most=None).judge(row(1))
    assert failed == Check("scorer_failed", passed=False, detail=f"one: one is {value}")


@pytest.mark.parametrize("error", [ScorerError, MemoryError])
def test_what_is_no_fault_of_the_image_ends_the_run(error):
    def fails(_stored):
        raise error("the weights are gone")

    with pytest.raises(error):
        judge(scorer("one", fails)).judge(row(1))


def test_an_image_that_cannot_be_decoded_is_dropped():
    failed = judge(constant("one", 0)).judge(row(1, image=b"no png"))
    assert failed == Check("undecodable", passed=False, detail="UnidentifiedImageError")


def test_the_judge_of_a_process_is_made_anew_for_other_settings(monkeypatch):
    made: list[ScoresConfig] = []
    monkeypatch.setattr(judges, "Judge", made.append)
    judges.shared_judge.cache_clear()
    chosen = configs.QualityConfig.model_validate({"plain": {}})
    for fingerprint in ("a", "a", "b"):
        judges.shared_judge(chosen, fingerprint)
    assert made == [chosen, chosen]
    judges.shared_judge.cache_clear()
