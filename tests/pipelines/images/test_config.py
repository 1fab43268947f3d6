import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import pytest
from pydantic import ValidationError

from pipelines.images.config import ImagesConfig, ResizeError, dependencies, upscales


def test_the_shortest_edge_defaults_to_the_store_size() -> None:
    assert ImagesConfig(side=64).smallest_side == 64
    assert ImagesConfig(side=64, min_side=401).smallest_side == 401


def test_a_side_that_is_not_set_is_open_and_that_of_the_paper_without_a_codec() -> None:
    assert ImagesConfig().side is None
    assert (ImagesConfig().stored_side, ImagesConfig().smallest_side) == (256, 256)
    assert upscales(ImagesConfig(min_side=100)).startswith("min_side is 100 px, but images are")
    assert not upscales(ImagesConfig(min_side=256))


def test_images_below_the_store_size_cannot_be_requested() -> None:
    with pytest.raises(ValidationError, match="never scaled up"):
        ImagesConfig(side=256, min_side=200)


@pytest.mark.parametrize(
    "wrong", [{"formats": ["TIFF"]}, {"formats": []}, {"maxaspect": 2}, {"resize": "area"}]
)
def test_wrong_settings_are_refused(wrong) -> None:
    with pytest.raises(ValidationError):
        ImagesConfig.model_validate(wrong)


def test_dependencies_name_the_decoder() -> None:
    names = {"pillow", "simplejpeg", "deflate"}
    assert set(dependencies(ImagesConfig(resize="lanczos"))) == names
    assert set(dependencies(ImagesConfig())) == names | {"torch"}


def test_a_filter_without_its_library_names_both_remedies(monkeypatch) -> None:
    def missing(name: str) -> str:
        if name == "torch":
            raise PackageNotFoundError(name)
        return "13.0"

    monkeypatch.setattr("pipelines.images.config.version", missing)
    with pytest.raises(ResizeError, match=r"pip install 'dalle\[model\]'.*images.resize: lanczos"):
        dependencies(ImagesConfig())
    assert "torch" not in dependencies(ImagesConfig(resize="lanczos"))


def test_settings_load_without_the_decoder() -> None:
    code = "import sys, pipelines.images.config; assert 'PIL' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
