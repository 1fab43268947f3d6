import pytest

from pipelines.fetch.backends import chosen, img2dataset, native
from pipelines.fetch.bodies import Bodies
from pipelines.fetch.config import FetchConfig, dependencies
from pipelines.stage import Runtime


def _refuses(_: str) -> None:
    """No URL."""


@pytest.mark.parametrize(("name", "module"), [("native", native), ("img2dataset", img2dataset)])
def test_the_backend_is_the_one_that_the_config_names(monkeypatch, name, module):
    asked: list[object] = []
    monkeypatch.setattr(module, "fetch_images", lambda *arguments: asked.append(arguments))
    given = {"k": "http://a.test/"}, FetchConfig(backend=name), Runtime(), Bodies(""), _refuses
    chosen.fetch_images(*given)
    assert asked == [given]


def test_a_backend_is_part_of_the_fingerprint():
    ours, theirs = (dependencies(FetchConfig(backend=name)) for name in ("native", "img2dataset"))
    assert set(theirs) - set(ours) == {"img2dataset"}
