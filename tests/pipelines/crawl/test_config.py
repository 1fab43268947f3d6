import subprocess
import sys

import pytest

from pipelines.crawl.config import CrawlConfig, dependencies, fingerprint_config
from pipelines.crawl.sources import Source


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
