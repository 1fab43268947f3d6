import json

from orchestration.cli.settings_text import MIN_WIDTH, settings_json, settings_text
from orchestration.engine.settings_list import Setting

SIDE = Setting("images.side", "whole number or null, at least 8", None, "the shorter edge. " * 9)
SET = Setting("images.store", "png | jpeg", "png", "how.", "jpeg", "dalle.yaml:7")
DEFAULT = Setting("crawl.sources[0].name", "text", "", "of the source.", "", "default")


def test_a_setting_is_a_line_and_its_meaning_is_folded():
    lines = settings_text([SIDE], 60).splitlines()
    assert lines[0] == "images.side: null"
    assert lines[1].startswith("    whole number or null, at least 8. the shorter edge.")
    assert max(map(len, lines)) <= 60
    assert all(line.startswith("    ") for line in lines[1:])
    assert settings_text([SIDE], 1) == settings_text([SIDE], MIN_WIDTH)


def test_a_value_stands_beside_where_it_comes_from():
    lines = settings_text([SET, DEFAULT], 80).splitlines()
    assert lines[0] == "images.store: jpeg  (dalle.yaml:7, default png)"
    assert lines[2] == 'crawl.sources[0].name: ""  (default)'


def test_json_has_values_only_of_a_config():
    side, store = json.loads(settings_json([SIDE, SET]))
    assert set(side) == {"name", "type", "default", "meaning"}
    assert (store["value"], store["source"]) == ("jpeg", "dalle.yaml:7")
