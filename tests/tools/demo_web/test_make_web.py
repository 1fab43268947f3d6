import gzip

import pytest
from PIL import Image

from tools.demo_web.archive import Answer, archive_bytes
from tools.demo_web.emoji import emoji_caption
from tools.demo_web.encodings import BROKEN, ODD, on_white, trimmed
from tools.demo_web.openclipart import clipart_caption
from tools.demo_web.pages import STYLES, Page, Shown, markup, relative
from tools.demo_web.selection import Artwork, Taken, by_digest, slug
from tools.demo_web.web import Web


def noise(seed: int, size: tuple[int, int] = (80, 64)) -> Image.Image:
    return Image.effect_noise(size, 90 + seed).convert("RGBA")


@pytest.mark.parametrize(
    ("title", "keywords", "description", "caption"),
    [
        ("wine_glass_01", ("hash", "food", "beverage"), "", "wine glass, food, beverage"),
        ("Bowl of Steaming Soup", ("food",), "", "Bowl of Steaming Soup"),
        ("shoe", (), "A drawing of a sneaker's sole.", "A drawing of a sneaker's sole"),
        ("Pig", ("pig", "mammal", "pink"), "", "Pig, mammal, pink"),
        ("Clipart by Nicu Buculei - pear", ("food", "fruit"), "", ""),
        ("AIGA_Symbol_Signs", ("symbol",), "EPS converted from  http://aiga.org", ""),
        ("bee1", ("unsorted",), "", ""),
    ],
)
def test_clipart_caption(title, keywords, description, caption):
    assert clipart_caption(title, keywords, description) == caption


@pytest.mark.parametrize(
    ("name", "kind", "category", "caption"),
    [
        ("RED APPLE", "food-fruit", "Food & Drink", "red apple, food and drink"),
        ("PEN", "writing", "Objects", "pen, writing, objects"),
        ("GRINNING FACE WITH STAR EYES", "face", "Smileys", "grinning face with star eyes"),
        ("Chad Flag", "country-flag", "Flags", "flag of Chad"),
    ],
)
def test_emoji_caption(name, kind, category, caption):
    assert emoji_caption({"name": name, "subcategory": kind, "category": category}) == caption


def test_archive_is_the_same_every_time_and_readable():
    answers = [Answer("http://a.test/x", b"body", "text/plain", 410, (("X-A", "b"),), "flaky")]
    content = archive_bytes(answers, "test")
    assert content == archive_bytes(answers, "test")
    text = gzip.decompress(content).decode()
    assert (
        "HTTP/1.1 410 Gone\r\nContent-Type: text/plain\r\nContent-Length: 4\r\nX-A: b\r\n" in text
    )
    assert "X-Replay: flaky\r\n" in text
    assert text.endswith("\r\n\r\nbody\r\n\r\n")


def test_taken_refuses_likeness_blank_paper_and_repeated_captions():
    taken = Taken()
    bright = Image.new("RGBA", (80, 64), "white")
    assert not taken.admits(Artwork("b", "f", "blank", bright))
    half = bright.copy()
    half.paste((0, 0, 0, 255), (0, 0, 40, 64))
    assert taken.admits(Artwork("c", "f", "half", half))
    assert not taken.admits(Artwork("d", "f", "the same half", half.resize((160, 128))))
    assert not taken.admits(Artwork("e", "f", "HALF", half.transpose(Image.Transpose.ROTATE_180)))
    assert not taken.admits(Artwork("g", "f", "too small", half.resize((60, 48))))


def test_trimmed_removes_the_margin_and_bounds_the_aspect():
    sheet = Image.new("RGBA", (400, 600), (255, 255, 255, 0))
    sheet.paste((200, 0, 0, 255), (10, 20, 110, 40))
    width, height = trimmed(sheet).size
    assert width == 106
    assert 0.74 <= height / width <= 0.76
    assert on_white(trimmed(sheet)).getpixel((width // 2, height // 2)) == (200, 0, 0)


@pytest.mark.parametrize("name", sorted(ODD))
def test_odd_files_open(name, tmp_path):
    ending, encode = ODD[name]
    path = tmp_path / f"x.{ending}"
    path.write_bytes(encode(noise(1)))
    with Image.open(path) as image:
        image.load()
        assert sorted(image.size) == [64, 80]


def test_encoders_give_the_same_bytes_twice():
    small = noise(2).resize((70, 70))
    for _, encode in [*ODD.values(), *BROKEN.values()]:
        assert encode(small) == encode(small)


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.__name__)
def test_every_style_names_picture_and_text(style):
    page_url = "http://a.test/gallery/1.html"
    html = style(Shown("http://a.test/img/x.png", "Tom & Ann's"), page_url)
    assert "img/x.png" in html
    assert "Ann" in html
    assert "Tom & " not in html


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a.test/img/x.png", "../img/x.png"),
        ("http://a.test/gallery/x.png?v=2", "x.png?v=2"),
        ("http://b.test/img/x.png", "http://b.test/img/x.png"),
    ],
)
def test_relative(url, expected):
    assert relative(url, "http://a.test/gallery/1.html") == expected


def test_markup_writes_what_the_charset_lacks_as_references():
    shown = (Shown("http://a.test/x.png", "café \N{CJK UNIFIED IDEOGRAPH-732B}"),)
    page = markup(Page("http://a.test/", "T", shown, charset="windows-1252"))
    assert b"caf\xe9 &#29483;" in page


def test_web_refuses_two_answers_for_one_url():
    web = Web()
    web.image("http://a.test/x.png", b"1")
    with pytest.raises(ValueError, match=r"two answers for http://a\.test/x\.png"):
        web.image("http://a.test/x.png", b"2")


def test_order_does_not_depend_on_the_input():
    artworks = [Artwork(slug(f"Name {n}!"), "f", str(n), noise(n)) for n in range(9)]
    assert by_digest(artworks, "s") == by_digest(artworks[::-1], "s")
