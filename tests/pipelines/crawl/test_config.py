import subprocess
import sys

import pytest

from pipelines.crawl.config import CrawlConfig, dependencies, fingerprint_config
from pipelines.crawl.section import CrawlSection
from pipelines.crawl.sources import Source
from pipelines.crawl.stage import STAGE


def test_path_and_order_of_inputs_are_not_in_the_fingerprint():
    one, two = Source(path="a.tsv", name="x"), Source(path="b.tsv", name="y")
    forward = fingerprint_config(CrawlConfig(sources=(one, two)))
    moved = [s.model_copy(update={"path": "/elsewhere/" + s.path}) for s in (two, one, one)]
    assert forward == fingerprint_config(CrawlConfig(sources=tuple(moved)))
    renamed = (one, two.model_copy(update={"name": "z"}))
    assert forward != fingerprint_config(CrawlConfig(sources=renamed))


def test_dependencies_name_what_reads_the_inputs():
    names = dependencies(CrawlConfig(sources=(Source(path="not read"),)))
    assert set(names) == {"fastwarc", "idna", "msgspec", "pyarrow", "selectolax"}
    assert all(names.values())


@pytest.mark.parametrize("module", ["config", "discovery", "readers.registry"])
def test_config_and_kinds_load_no_parser(module):
    code = f"import sys, pipelines.crawl.{module}; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "pydantic" in loaded
    assert not {"apache_beam", "torch", "selectolax", "fastwarc", "pyarrow"} & set(loaded)


@pytest.mark.parametrize("settings", [{"path": ""}, {"path": "a.tsv", "url_column": -1}])
def test_settings_that_mean_nothing_are_refused(settings):
    with pytest.raises(ValueError, match=r"at least 1 character|greater than or equal to 0"):
        Source(**settings)


def _carrying(path: str, carry: object) -> Source:
    return Source.model_validate({"path": path, "carry": carry})


def test_what_is_carried_is_text_unless_a_type_is_given():
    assert _carrying("a.tsv", ["id", "cls"]).carry == {"id": "text", "cls": "text"}
    assert _carrying("a.tsv", {"cls": "integer"}).carry == {"cls": "integer"}


@pytest.mark.parametrize(
    "carry",
    [{"id": "uint8"}, ["a\nb"], [""], [" id"], ["x" * 101], [1], [f"c{n}" for n in range(51)]],
)
def test_what_cannot_be_carried_is_refused(carry):
    with pytest.raises(ValueError, match="carry"):
        _carrying("a.tsv", carry)


@pytest.mark.parametrize(
    "name", ["caption", "Key", "name", "width", "image_tokens", "carried", "image"]
)
def test_a_name_that_every_row_has_anyway_is_refused_when_the_config_is_read(name):
    with pytest.raises(ValueError, match="is a column of every row already"):
        CrawlSection.model_validate({"sources": [{"path": "a.tsv", "carry": [name]}]})


@pytest.mark.parametrize(
    ("other", "message"),
    [({"cls": "integer"}, "two types, text and integer"), ({"CLS": "text"}, "spell them alike")],
)
def test_two_sources_carry_a_name_under_one_type(other, message):
    one = _carrying("a.tsv", ["cls"])
    with pytest.raises(ValueError, match=message):
        CrawlConfig(sources=(one, _carrying("b.tsv", other)))


def test_what_is_carried_is_in_the_fingerprint_and_a_fact_for_later_stages():
    one, two = _carrying("a.tsv", ["id"]), _carrying("b.tsv", {"cls": "integer"})
    config, plain = CrawlConfig(sources=(one, two)), CrawlConfig(sources=(Source(path="a.tsv"),))
    assert fingerprint_config(config) != fingerprint_config(plain)
    assert STAGE.facts(config, {}) == {"carried": {"cls": "integer", "id": "text"}}
    assert STAGE.facts(CrawlConfig(sources=(two, one)), {}) == STAGE.facts(config, {})
    assert STAGE.facts(plain, {}) == {}
