import pytest

from dalle_model.clip.scorer import ScorerError
from pipelines.io.fingerprints import row_work
from pipelines.similarity.config import SimilarityConfig, dependencies
from pipelines.similarity.memory import ram_bytes
from pipelines.similarity.stage import STAGE
from pipelines.stage import Score
from tests.support.scorers import write_scorer

GIB = 1024**3


@pytest.fixture(autouse=True)
def scorer(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(write_scorer(tmp_path)))


def work(**values):
    config, reuse = SimilarityConfig(scorer="told", **values), STAGE.reuse
    assert reuse is not None
    return row_work(
        "similarity", STAGE.settings(config), dependencies(config), {}, {}, reuse.beside
    )


def test_the_work_on_a_row_is_that_of_its_scorer_whatever_is_kept():
    assert work() == work(min=0.2, keep=0.5) == work(min={"en": 0.28, "other": 0.26})
    assert work() != work(column="my_score")


def test_an_unknown_scorer_is_refused_before_any_row_is_read():
    with pytest.raises(ScorerError, match="A scorer is 'demo'"):
        dependencies(SimilarityConfig(scorer="no/such.safetensors"))


def test_a_report_knows_every_rule():
    def scores(**values):
        return STAGE.scores(SimilarityConfig(**values))

    assert scores(min=0.3) == [Score("clip_score", "below_min", 0.3)]
    assert scores(keep=0.5) == [Score("clip_score", "not_among_best")]
    both = scores(min={"en": 0.3, "other": 0.2}, keep=0.5)
    assert both == [Score("clip_score", "below_min"), Score("clip_score", "not_among_best")]
    assert scores() == [Score("clip_score")]
    assert STAGE.notices(SimilarityConfig(keep=0.5)) == []
    assert "drops no row" in STAGE.notices(SimilarityConfig())[0]


def test_memory_grows_with_the_file_of_the_scorer(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(bytes(GIB // 8))
    for name in (str(path), f"ViT-B-32@{path}"):
        assert ram_bytes(SimilarityConfig(scorer=name)) == 2 * GIB + GIB // 2
    assert ram_bytes(SimilarityConfig(scorer="told")) == 2 * GIB
