from importlib.metadata import PackageNotFoundError

import pytest

from pipelines.text.tagging import taggers
from pipelines.text.tagging.tagged import TaggerError
from pipelines.text.tagging.taggers import PERCEPTRON, load_tagger, tagger_versions


def test_the_bundled_tagger():
    assert load_tagger(PERCEPTRON).name == PERCEPTRON
    assert load_tagger(PERCEPTRON) is load_tagger(PERCEPTRON)


def test_its_dependency_is_its_weights():
    assert tagger_versions(PERCEPTRON) == {
        "tagger": "12b0d7ca8cda6cc37dd85210adb6e7a2d8c5b95517b63be6cbdfc5f663652b62"
    }


@pytest.mark.parametrize("spec", ["nltk", "spacy:", "spacy", ""])
@pytest.mark.parametrize("use", [load_tagger, tagger_versions])
def test_unknown_names_are_reported(spec, use):
    with pytest.raises(TaggerError, match=r"unknown; write `perceptron`, or `spacy:`"):
        use(spec)


@pytest.mark.parametrize("use", [load_tagger, tagger_versions])
def test_a_missing_pipeline_is_reported_with_the_command(use):
    pytest.importorskip("spacy")
    with pytest.raises(TaggerError, match="python -m spacy download xx_not_there"):
        use("spacy:xx_not_there")


def test_where_spacy_itself_is_missing_no_pipeline_of_it_is_required(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(taggers, "version", missing)
    with pytest.raises(TaggerError, match="run `pip install spacy`"):
        tagger_versions("spacy:en_core_web_sm")
