import sys
from typing import Any

import pytest

from pipelines.text.tagging.spacy_tagger import SpacyTagger
from pipelines.text.tagging.tagged import TaggerError
from pipelines.text.tagging.taggers import tagger_versions

TRAINED_ON = [
    (["a", "dog", "runs"], ["DT", "NN", "VBZ"]),
    (["the", "cat", "sits"], ["DT", "NN", "VBZ"]),
    (["two", "dogs", "and", "a", "cat"], ["CD", "NNS", "CC", "DT", "NN"]),
]


@pytest.fixture(scope="module")
def spacy() -> Any:
    return pytest.importorskip("spacy")


@pytest.fixture(scope="module")
def model(spacy, tmp_path_factory) -> str:
    """A small pipeline with a trained tagger, and with a component that is not needed."""
    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    tagger = pipeline.add_pipe("tagger")
    for _, tags in TRAINED_ON:
        for tag in tags:
            tagger.add_label(tag)
    documents = [spacy.tokens.Doc(pipeline.vocab, words=words) for words, _ in TRAINED_ON]
    examples = [
        spacy.training.Example.from_dict(document, {"tags": tags})
        for document, (_, tags) in zip(documents, TRAINED_ON, strict=True)
    ]
    spacy.util.fix_random_seed(0)
    pipeline.initialize(lambda: examples)
    for _ in range(20):
        pipeline.update(examples)
    path = str(tmp_path_factory.mktemp("model"))
    pipeline.to_disk(path)
    return path


def saved(spacy, tmp_path, rules: dict[str, str]) -> str:
    """A pipeline without a model, which tags single words."""
    pipeline = spacy.blank("en")
    ruler = pipeline.add_pipe("attribute_ruler")
    for word, tag in rules.items():
        ruler.add([[{"LOWER": word}]], {"TAG": tag})
    pipeline.to_disk(tmp_path)
    return str(tmp_path)


def test_a_trained_pipeline_tags_as_the_interface_says(model):
    tagger = SpacyTagger(model)
    tagged = tagger.tag(["the dog  sits", "", "a cat"])
    assert tagger.name == f"spacy:{model}"
    assert tagged.pairs() == [
        [("the", "DT"), ("dog", "NN"), ("sits", "VBZ")],
        [],
        [("a", "DT"), ("cat", "NN")],
    ]


def test_only_what_tags_is_run(model):
    assert SpacyTagger(model)._pipeline.pipe_names == ["tagger"]


def test_the_rules_of_a_pipeline_count_too(spacy, tmp_path):
    model = saved(spacy, tmp_path, {"a": "DT", "dog": "NN"})
    assert SpacyTagger(model).tag(["A dog"]).pairs() == [[("A", "DT"), ("dog", "NN")]]


def test_tags_of_other_treebanks_are_refused(spacy, tmp_path):
    model = saved(spacy, tmp_path, {"ein": "ART", "hund": "NN"})
    with pytest.raises(TaggerError, match="'ART', which are not of the Penn Treebank"):
        SpacyTagger(model).tag(["ein hund"])


def test_a_pipeline_without_tags_is_refused(spacy, tmp_path):
    with pytest.raises(TaggerError, match="gives the tags ''"):
        SpacyTagger(saved(spacy, tmp_path, {"cat": "NN"})).tag(["a dog"])


def test_a_missing_package_is_reported(monkeypatch):
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(TaggerError, match="run `pip install spacy`"):
        SpacyTagger("en_core_web_sm")


def test_dependency_of_a_folder_follows_its_files(spacy, tmp_path):
    model = saved(spacy, tmp_path, {"a": "DT"})
    before = tagger_versions(f"spacy:{model}")
    assert before == tagger_versions(f"spacy:{model}")
    saved(spacy, tmp_path, {"a": "CD"})
    assert before != tagger_versions(f"spacy:{model}")
    assert before["spacy"] == spacy.__version__
