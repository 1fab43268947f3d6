import sys
from types import SimpleNamespace

import pyarrow as pa
import pytest

from pipelines.select import captions
from pipelines.select.captions import DetectorError, english, num_fasttext_words, num_words
from pipelines.select.config import SelectConfig

# What `fasttext.tokenize` of fasttext-wheel 0.9.2 gives, `</s>` for a line break.
TOKENISED = {"a b\nc\r d\v\f x": 6, " a\n\n": 3, "a\u00a0b\u2003c": 1, "": 0, "x\0y": 2}


def test_words_as_fasttext_cuts_them_and_as_python_does():
    rows = pa.table({"text": list(TOKENISED)})
    assert num_fasttext_words(rows).tolist() == list(TOKENISED.values())
    assert num_words(rows).tolist() == [5, 1, 3, 0, 1]


def test_english_as_gcld3_and_as_a_column_tell(monkeypatch):
    captions._cld3.cache_clear()
    model = SimpleNamespace(FindLanguage=lambda text: SimpleNamespace(language=text[:2]))
    fake = SimpleNamespace(NNetLanguageIdentifier=lambda low, high: model if high == 1000 else None)
    monkeypatch.setitem(sys.modules, "gcld3", fake)
    rows = pa.table({"text": ["en\nx", "de"], "language": ["de", "en"]})
    laion = SelectConfig(recipe="laion2b")
    assert english(laion, "gcld3").judge(rows).passes.tolist() == [True, False]
    column = SelectConfig(recipe="laion2b", detector="column")
    assert english(column, "gcld3").judge(rows).passes.tolist() == [False, True]
    captions._cld3.cache_clear()


def test_without_gcld3_it_says_what_to_install(monkeypatch):
    captions._cld3.cache_clear()
    monkeypatch.setitem(sys.modules, "gcld3", None)
    with pytest.raises(DetectorError, match="pip install cld3-py"):
        english(SelectConfig(recipe="laion2b"), "gcld3").judge(pa.table({"text": ["a"]}))
