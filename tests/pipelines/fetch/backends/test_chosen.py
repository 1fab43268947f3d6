import pytest

from pipelines.fetch.backends import chosen, img2dataset, native
from pipelines.fetch.bodies import Bodies
from pipelines.fetch.config import FetchConfig, dependencies
from pipelines.stage import Runtime


def _refuses(_: str) -> None:
    """No URL."""


@pytest.mark.parametrize(("name", "module"), [("native", native), ("img2dataset", img2dataset)])
def test_the_backend_is_the_one_that_the_config_names(monkeypatch, name, module):
    monkeypatch.setattr(module, "fetch_images", lambda *arguments: {"k": repr(arguments).encode()})
    config, bodies = FetchConfig(backend=name), Bodies("")
    found = chosen.fetch_images({"k": "http://a.test/"}, config, Runtime(), bodies, _refuses)
    given = {"k": "http://a.test/"}, config, Runtime(), bodies, _refuses
    assert found == {"k": repr(given).encode()}


def test_a_backend_is_part_of_the_fingerprint():
    ours, theirs = (dependencies(FetchConfig(backend=name)) for name in ("native", "img2dataset"))
    assert set(theirs) - set(ours) == {"img2dataset"}
