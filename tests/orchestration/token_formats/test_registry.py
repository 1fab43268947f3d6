"""The formats: one name each, and known by it."""

from orchestration.token_formats.registry import FORMATS, format_of, importable


def test_a_format_is_found_by_its_name():
    assert [format_of(name).name for name in FORMATS] == list(FORMATS)


def test_the_first_five_can_be_imported():
    assert importable() == ["hf", "webdataset", "dalle-mini", "llamagen", "rar"]
