"""Raw text from a page -> one clean line: the steps to begin with."""

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from ftfy import fix_encoding
from ftfy.fixes import fix_character_width, fix_latin_ligatures, uncurl_quotes, unescape_html

from pipelines.text.folding import collapse_spaces
from pipelines.text.normalise.step import NormalisingStep, step

# Controls, lone surrogates, soft hyphen, zero-width and bidi marks. The two joiners (200C, 200D)
# stay, since emoji and several scripts are spelt with them.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]+"
)
NOT_PLAIN = "[^ -~]"  # anything but printable ASCII

# Mojibake shows in neighbours: a letter of Latin-1, a dash or a quote between ASCII is none, save
# for A with circumflex or tilde. ftfy looks closer, and takes ten times as long.
_CALM = "\xc0\xc1\xc4-\xd6\xd8-\xf6\xf8-\xff\u2013\u2014\u2018\u2019\u201c\u201d\u2026"
_SUSPECT = re.compile(f"[^ -~{_CALM}]|[{_CALM}]{{2}}")
# What is in ftfy's three tables of letters: digraphs and ligatures, quotes, fullwidth forms.
_NOT_PLAIN_LETTER = re.compile(
    "[\u0132\u0133\u0149\u01c4-\u01cc\u01f1-\u01f3\ufb00-\ufb06"
    "\u02bc\u2018-\u201f\u3000\uff01-\uffef]"
)
SPACES = f"^ | $|  |{NOT_PLAIN}"  # spaces that are not single ones between words


def unescape_entities(text: str) -> str:
    """`&amp;amp;` -> `&`: as deep as it goes, but only entities that end in a semicolon.

    Browsers also read `&copy2020`; in running text that rule turns `R&regions` into a trademark.
    """
    while "&" in text and (decoded := unescape_html(text)) != text:
        text = decoded
    return text


def repair_mojibake(text: str) -> str:
    """`cafÃ©` -> `café`: undo a decoding by the wrong charset (ftfy), where it is certain."""
    return str(fix_encoding(text)) if _SUSPECT.search(text) else text


def plain_letters(text: str) -> str:
    """Straight quotes, no ligatures, no fullwidth forms: one spelling for a later vocabulary."""
    if not _NOT_PLAIN_LETTER.search(text):
        return text
    return str(fix_character_width(fix_latin_ligatures(uncurl_quotes(text))))


def compose(text: str) -> str:
    """NFC; chosen over NFKC, which turns `m²` into `m2` and splits `½`."""
    return unicodedata.normalize("NFC", text)


def drop_invisible(text: str) -> str:
    """Remove controls, lone surrogates, zero-width and bidi marks."""
    return _INVISIBLE.sub("", text)


UNICODE_CHANGES = (repair_mojibake, plain_letters, drop_invisible, compose, collapse_spaces)


def tidy_unicode(text: str) -> str:
    """Repair mojibake, straighten quotes, drop what cannot be seen, compose."""
    for change in UNICODE_CHANGES:
        text = change(text)
    return text


CLEAN: Mapping[str, NormalisingStep] = MappingProxyType(
    {
        "entities": step(unescape_entities, "&"),
        "spaces": step(collapse_spaces, SPACES),
        "unicode": step(tidy_unicode, SPACES),
    }
)
