import hashlib
from importlib import metadata

import pytest

from pipelines.quality.weights import ScorerError, Weights, installed, version_of


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package with a file, as pip leaves it."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "seer").mkdir()
    (tmp_path / "seer" / "__init__.py").write_text("raise RuntimeError('must not be imported')")
    (tmp_path / "seer" / "seer.onnx").write_bytes(b"weights")
    info = tmp_path / "seer-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: seer\nVersion: 1.2\n")
    # sha256 of b"weights" in base64, without padding
    digest = "mhKQONmgCu0M9qfqBZylCoE0SQYauHhIzxoT6v3zOyw"
    (info / "RECORD").write_text(f"seer/seer.onnx,sha256={digest},7\n")
    return tmp_path


WEIGHTS = Weights("seer", "seer/seer.onnx")


def test_weights_are_found_without_running_their_package(package):
    assert WEIGHTS.read() == b"weights"
    assert WEIGHTS.sha256 == hashlib.sha256(b"weights").hexdigest()


@pytest.mark.parametrize("damage", [b"weightz", b"weigh", b""])
def test_a_damaged_file_is_refused_with_the_command_that_mends_it(package, damage):
    (package / "seer" / "seer.onnx").write_bytes(damage)
    with pytest.raises(ScorerError, match=r"not the file.*seer 1.2.*--no-deps 'seer==1.2'"):
        WEIGHTS.read()


def test_a_file_that_is_gone_is_told(package):
    (package / "seer" / "seer.onnx").unlink()
    with pytest.raises(ScorerError, match=r"seer\.onnx cannot be read.*force-reinstall"):
        WEIGHTS.read()


def test_a_package_that_lists_no_digests_is_taken_as_it_is(package):
    (package / "seer-1.2.dist-info" / "RECORD").unlink()
    (package / "seer" / "seer.onnx").write_bytes(b"own")
    assert WEIGHTS.read() == b"own"


def test_a_package_that_is_missing_is_told_with_the_extra():
    with pytest.raises(ScorerError, match=r"no-such is not installed.*pip install 'dalle\[quality"):
        installed("no-such")
    with pytest.raises(ScorerError, match="neither-this is not installed"):
        version_of("no-such", "neither-this")


def test_of_several_packages_any_one_will_do():
    version = metadata.version("numpy")
    assert version_of("numpy") == version
    assert version_of("no-such", "numpy") == version_of("numpy", "no-such") == f"numpy {version}"
