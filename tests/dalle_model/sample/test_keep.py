import numpy as np
import pytest

from dalle_model.sample.keep import KeepError, parse_keep
from dalle_model.tokenizers.codec import CodecFacts

PAPER = CodecFacts("dvae", "ab" * 32, (256, 256), (32, 32), 8192, "lanczos", (0.0, 1.0))
WIDE = CodecFacts("wide", "ab" * 32, (32, 64), (4, 8), 16, "lanczos", (0.0, 1.0))


def box(top: int, bottom: int, left: int = 0, right: int = 32) -> np.ndarray:
    kept = np.zeros((32, 32), bool)
    kept[top:bottom, left:right] = True
    return kept


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("top=0.5", box(0, 16)),
        ("top=15/32", box(0, 15)),
        ("top=120", box(0, 15)),
        ("top=0.47", box(0, 15)),
        ("top=123", box(0, 15)),
        ("top=124", box(0, 16)),  # a half goes to the edge behind it
        ("box=0,0,0.5,1", box(0, 32, 0, 16)),
        ("box=64,0,256,128", box(0, 16, 8, 32)),
        ("outside=0.5,0.5,1,1", ~box(16, 32, 16, 32)),
        ("outside=0,0.5,1,1", box(0, 16)),
    ],
)
def test_a_part_is_in_whole_tokens(said: str, expected: np.ndarray) -> None:
    np.testing.assert_array_equal(parse_keep(said, PAPER).is_kept, expected)


def test_pixels_are_those_that_the_tokens_cover() -> None:
    keep = parse_keep("box=0.5,0,1,0.5", WIDE)
    expected = np.zeros((32, 64), bool)
    expected[:16, 32:] = True
    np.testing.assert_array_equal(keep.pixels(), expected)


@pytest.mark.parametrize(
    ("said", "unseen"),
    [
        ("top=0.25", 0),
        ("box=0,0,1,0.5", 0),
        ("outside=0,0.5,1,1", 0),
        ("box=0,0,0.5,1", 31 * 16),  # but for the upper left ones, all are behind drawn ones
        ("outside=0.5,0.5,1,1", 15 * 16),  # the left of the lower rows but the first
        ("box=0,0.5,1,1", 16 * 32),
    ],
)
def test_what_is_kept_behind_what_is_drawn_is_counted(said: str, unseen: int) -> None:
    assert parse_keep(said, PAPER).num_unseen() == unseen


def test_what_is_kept_is_said_in_rows_and_columns() -> None:
    each = "each covers 8 x 8 px"
    for said, expected in (
        ("top=15/32", f"the tokens of rows 1 to 15 of 32; {each}"),
        ("box=64,0,256,128", f"the tokens of rows 1 to 16 of 32, columns 9 to 32 of 32; {each}"),
        (
            "outside=0.5,0.5,1,1",
            f"all tokens but those of rows 17 to 32 of 32, columns 17 to 32 of 32; {each}",
        ),
    ):
        assert str(parse_keep(said, PAPER)) == f"{said}: {expected}"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("", "say top=0.5"),
        ("half", "say top=0.5"),
        ("top", "say top=0.5"),
        ("bottom=0.5", "say top=0.5"),
        ("top=a", "'a' is no number"),
        ("top=1/0", "'1/0' is no number"),
        ("top=inf", "'inf' is no number"),
        ("top=nan", "'nan' is no number"),
        ("box=0,0,1", "say top=0.5"),
        ("box=0,0,,1", "'' is no number"),
        ("top=0", "no part of an image"),
        ("top=-0.5", "no part of an image"),
        ("top=300", "no part of the image's 256 x 256 px"),
        ("box=0.5,0,0.5,1", "no part of an image"),
        ("box=200,0,300,100", "no part of the image's 256 x 256 px"),
        ("top=1", "keeps everything"),
        ("outside=0,0,1,1", "keeps nothing"),
        ("top=0.01", "keeps nothing"),
    ],
)
def test_a_part_that_makes_no_sense_is_refused(said: str, message: str) -> None:
    with pytest.raises(KeepError, match=message):
        parse_keep(said, PAPER)


def test_tokens_without_places_cannot_be_kept() -> None:
    facts = CodecFacts(
        "titok", "ab" * 32, (256, 256), (32,), 4096, "lanczos", (0.0, 1.0), order="sequence"
    )
    with pytest.raises(KeepError, match="no grid of patches"):
        parse_keep("top=0.5", facts)
