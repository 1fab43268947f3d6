import sys

import pytest

from pipelines.text.package_data import data_file


def test_a_file_is_found_without_running_its_package(tmp_path, monkeypatch):
    (tmp_path / "own_package").mkdir()
    (tmp_path / "own_package" / "__init__.py").write_text("raise RuntimeError")
    (tmp_path / "own_package" / "words.txt").write_text("red")
    monkeypatch.syspath_prepend(tmp_path)
    assert data_file("own_package", "words.txt") == tmp_path / "own_package" / "words.txt"
    assert "own_package" not in sys.modules


@pytest.mark.parametrize("package", ["pyarrow", "no_such_package"])
def test_what_is_missing_is_none(package):
    assert data_file(package, "no/such.file") is None
