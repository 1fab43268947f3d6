import pytest

from pipelines.text.normalise.redcaps import REDCAPS
from pipelines.text.normalise.registry import normaliser

redcaps = normaliser([*REDCAPS, "spaces"])


@pytest.mark.parametrize(
    ("step", "text", "changed"),
    [
        ("nfkd", "caf\u00e9 \ufb01n", "cafe\u0301 fin"),
        ("lowercase", "My DOG", "my dog"),
        ("drop_brackets", "[OC] my dog (5 months) on a walk", "my dog on a walk"),
        ("drop_brackets", "a (half] open", "a open"),
        ("drop_brackets", "(open and [open", "(open and [open"),
        ("drop_resolutions", "sunset 1920x1080 at sea", "sunset at sea"),
        ("drop_resolutions", "sunset, 4032 \u00d7 3024", "sunset,"),
        ("drop_resolutions", "a 6x4 or 3*2 print", "a or print"),
        ("mask_handles", "by @some.one_2, 2019", "by <usr>, 2019"),
        ("ascii_only", "a \U0001f436 dog", "a dog"),
    ],
)
def test_steps(step, text, changed):
    assert " ".join(REDCAPS[step](text).split()) == changed


def test_whole_title():
    title = "  My Dog R\u00e9my [OC] (1920x1080) by @some.one \U0001f436 4032x3024"
    assert redcaps(title) == "my dog remy by <usr>"


@pytest.mark.parametrize("text", ["(" * 10_000, "1" * 10_000, " " * 10_000, "1 " * 5_000])
def test_hostile_text_costs_no_second_scan(text):
    assert redcaps(text).split() == text.split()
