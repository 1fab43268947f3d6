import pytest

from pipelines.crawl.pages.charset import decode, known_codec

META = '<meta charset="{}"><p>'


def _text(html: bytes, declared: str | None = None) -> str:
    decoded = decode(html, declared)
    return decoded if isinstance(decoded, str) else decoded.decode()


@pytest.mark.parametrize(
    ("encoding", "label", "text"),
    [
        ("utf-8", "UTF-8", "Grüße, 世界"),
        ("latin-1", "ISO-8859-1", "Grüße"),
        ("cp1252", "latin1", "5 € “so”"),  # browsers read latin-1 as windows-1252
        ("cp1252", "us-ascii", "café…"),
        ("cp1251", "windows-1251", "Привет"),
        ("koi8-r", "KOI8-R", "Привет"),
        ("shift_jis", "Shift_JIS", "写真"),
        ("euc_jp", "euc-jp", "写真"),
        ("gb18030", "gb2312", "照片镕"),
        ("big5", "Big5", "照片"),
        ("euc_kr", "euc-kr", "사진"),
        ("cp1254", "iso-8859-9", "Şişli"),
    ],
)
def test_label_in_header_or_meta_is_read_as_browsers_do(encoding, label, text):
    assert _text(text.encode(encoding), label) == text
    assert _text((META.format(label) + text).encode(encoding)).endswith(text)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_byte_order_mark_wins_over_the_header(encoding):
    mark = "" if encoding in {"utf-8-sig", "utf-16"} else "\ufeff"
    assert _text((mark + "Grüße").encode(encoding), "windows-1251") == "Grüße"


def test_header_wins_over_meta():
    assert _text((META.format("koi8-r") + "Привет").encode("cp1251"), "cp1251").endswith("Привет")


def test_without_a_label_utf_8_if_valid_else_windows_1252():
    assert _text("Grüße".encode()) == "Grüße"
    assert _text("Grüße “so”".encode("cp1252")) == "Grüße “so”"


def test_utf_8_cut_inside_a_character_is_still_utf_8():
    assert isinstance(decode("世界".encode()[:-1], None), bytes)


def test_open_bytes_of_windows_1252_become_c1_controls():
    assert _text(b"\x81\x9d", "windows-1252") == "\x81\x9d"


@pytest.mark.parametrize(
    "label",
    ["", "klingon", "base64", "rot13", "idna", "punycode", "unicode_escape", "utf-7", "a\0b"],
)
def test_labels_that_browsers_do_not_know_are_ignored(label):
    assert known_codec(label) is None
    assert _text("Grüße".encode(), label) == "Grüße"


def test_meta_that_claims_utf_16_is_utf_8():
    assert _text((META.format("utf-16") + "ü").encode()).endswith("ü")


def test_meta_after_the_first_kilobyte_is_not_looked_for():
    html = b" " * 1024 + META.format("koi8-r").encode() + "ü".encode()
    assert _text(html).endswith("ü")


def test_invalid_bytes_are_replaced():
    assert _text(b"ok\xff", "euc-kr") == "ok\ufffd"
