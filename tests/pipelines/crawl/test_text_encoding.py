import pytest

from pipelines.crawl.text_encoding import (
    FALLBACK,
    UNKNOWN,
    UTF8,
    decode_line,
    decode_text,
    encoding_of,
    is_utf8,
)

CAFE = "a café table — “two” chairs, 5 €"
CYRILLIC = "красная лодка на реке"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "utf-16-le", "utf-16-be"]
)
def test_text_is_read_as_what_it_is(encoding):
    text = CAFE.replace("—", "-").replace("“two”", "two").replace("€", "é") + "\n"
    assert decode_text(text.encode(encoding)) == text


@pytest.mark.parametrize("mark", ["utf-16-le", "utf-16-be", "utf-8"])
def test_a_byte_order_mark_decides_and_is_no_text(mark):
    assert decode_text(f"\ufeff{CYRILLIC} 写真".encode(mark)) == f"{CYRILLIC} 写真"


@pytest.mark.parametrize("text", ["", "a barn", CYRILLIC, "写真", "\n\n", "a\u0081b"])
def test_utf_8_is_left_as_it_is(text):
    assert decode_text(text.encode()) == text


@pytest.mark.parametrize("text", [CAFE, "Grüße", "CRÉÉE", "É", "naïve façade…", "€€€€", "————"])
def test_windows_1252_where_it_is_not_utf_8(text):
    assert decode_text(text.encode("cp1252")) == text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CYRILLIC.encode("cp1251"), "not valid UTF-8 at byte 0 of 21 .*accented letters alone"),
        (CYRILLIC.encode("koi8-r"), "save it as UTF-8"),
        ("красная лодка".encode()[:-1], "most of its characters beyond ASCII are valid UTF-8"),
        ("これは写真".encode("shift_jis"), "Windows-1252"),
        ("照片".encode("gbk"), "Windows-1252"),
        ("사진".encode("euc_kr"), "Windows-1252"),
        (b"caf\xe9 \x81", "it has no character for byte 0x81"),
        (b"\x00\x01\xff\xd8", "UTF-8"),
        (b"a barn\0", "holds a NUL, so it is no text in UTF-8"),
        ("\ufeffa".encode("utf-32-le"), "holds a NUL, so it is no text in UTF-16"),
        (b"\xff\xfea", "not valid UTF-16 at byte 0 of 1"),
        (b"\xff\xfe\x00\xd8a\0", "not valid UTF-16"),
    ],
)
def test_what_is_in_no_encoding_of_these_is_refused_in_words(content, message):
    with pytest.raises(ValueError, match=message) as caught:
        decode_text(content)
    assert not isinstance(caught.value, UnicodeDecodeError)


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        (b"url,caption\n", (UTF8, 0)),
        ("写真".encode()[:-1], (UTF8, 0)),
        (CYRILLIC.encode() + b"\ncaf\xe9\n", (UTF8, 0)),
        (b"\xef\xbb\xbfa", (UTF8, 3)),
        ("\ufeffa".encode("utf-16-be"), ("utf-16-be", 2)),
        (b"caf\xe9\n\x81\xff\x81\ncaf\xe9\n", (FALLBACK, 0)),
        ((CYRILLIC + "\nдым\n" + CYRILLIC).encode("cp1251"), (UNKNOWN, 0)),
    ],
)
def test_the_encoding_of_a_text_by_its_first_bytes(head, encoding):
    assert encoding_of(head) == encoding


def test_a_stray_line_is_read_as_what_it_is():
    assert decode_line(b"caf\xe9", UTF8) == decode_line("café".encode(), FALLBACK) == "café"
    with pytest.raises(ValueError, match="the text as a whole is not"):
        decode_line("дым".encode("cp1251"), UNKNOWN)
    assert decode_line("дым".encode(), UNKNOWN) == "дым"


def test_utf_8_may_end_inside_a_character():
    assert is_utf8("世".encode()[:-1])
    assert not is_utf8(b"\xff")
