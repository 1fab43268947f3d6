import pytest

from pipelines.web.media_types import (
    charset,
    is_html,
    is_image,
    is_markup,
    is_page_text,
    media_type,
)


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("text/html", "text/html"),
        ("TEXT/HTML; charset=UTF-8", "text/html"),
        (" Application/XHTML+XML ;x=y", "application/xhtml+xml"),
        ("text/html, text/html; charset=utf-8", "text/html"),
        ("", ""),
        (None, ""),
    ],
)
def test_media_types_have_no_case(content_type, expected):
    assert media_type(content_type) == expected


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("text/html; charset=utf-8", "utf-8"),
        ("text/html;CHARSET = UTF-8", "utf-8"),
        ('text/html; charset="koi8-r"', "koi8-r"),
        ("text/html; charset='koi8-r'; x=y", "koi8-r"),
        ("text/html; x=y; charset=cp1252, text/html", "cp1252"),
        ("text/html; charset=", None),
        ("text/html; mycharset=utf-8", None),
        ("text/html", None),
        (None, None),
    ],
)
def test_charset(content_type, expected):
    assert charset(content_type) == expected


@pytest.mark.parametrize(
    ("content_type", "head", "expected"),
    [
        ("text/HTML", b"anything", True),
        ("application/xhtml+xml;charset=x", b"", True),
        ("text/plain", b"<!doctype html>", False),
        ("", b" \n<!DOCTYPE HTML>", True),
        (None, b"\xef\xbb\xbf<html lang=en>", True),
        ("", b"<p>", False),
    ],
)
def test_what_is_a_page(content_type, head, expected):
    assert is_html(content_type, head) is expected


def test_what_content_looks_like():
    assert is_markup(b"\xef\xbb\xbf\r\n<?xml version='1.0'?>")
    assert is_markup(b"\xff\xfe<\0h\0")
    assert not is_markup(b"< 5")
    assert is_page_text(b"words first <b>then</b>")
    assert not is_page_text(b"only words")
    assert not is_page_text(b"\0 <b>")
    for head in (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBP"):
        assert is_image(head)
    assert is_image(b"\0\0\0\x20ftypavif")
    assert not is_image(b"RIFF\0\0\0\0WAVE")
