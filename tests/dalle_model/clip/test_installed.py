import numpy as np
import pytest

from dalle_model.clip.registry import load_scorer, scorer_facts
from dalle_model.clip.scorer import ScorerError
from tests.support.plugins import write_plugin

LENGTHS = """
import numpy as np

class Lengths:
    def __init__(self, url=""):
        self.add = len(url)

    def score(self, images, captions):
        return np.float32([len(caption) + self.add for caption in captions])

def fails(): raise RuntimeError("no weights")
def no_scorer(): return 3
"""
POINTS = {
    "dalle.scorers": {
        "lengths": "lengths.plugin:Lengths",
        "fails": "lengths.plugin:fails",
        "none": "lengths.plugin:no_scorer",
        "gone": "lengths.plugin:Gone",
    }
}


@pytest.fixture(autouse=True)
def package(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(write_plugin(tmp_path, "lengths", LENGTHS, POINTS)))


def test_any_object_with_score_is_a_scorer(tmp_path):
    images = [np.zeros((2, 2, 3), np.uint8)] * 2
    assert load_scorer("lengths").score(images, ["a", "bcd"]).tolist() == [1, 3]
    assert load_scorer("lengths:xy").score(images, ["a", "bcd"]).tolist() == [3, 5]
    weights = tmp_path / "w.bin"
    weights.write_bytes(b"1")
    first = scorer_facts(f"lengths:{weights}")
    weights.write_bytes(b"2")
    assert "lengths" in first["scorer"]
    assert first["scorer_weights"] != scorer_facts(f"lengths:{weights}")["scorer_weights"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fails", "makes no scorer: RuntimeError"),
        ("gone", "makes no scorer: AttributeError"),
        ("none", "without `score"),
    ],
)
def test_what_makes_no_scorer_is_refused_by_name(name, said):
    with pytest.raises(ScorerError, match=said):
        load_scorer(name)
