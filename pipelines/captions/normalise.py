"""Raw text from a page -> one clean line; each step is pure and named."""

import re
import unicodedata

from ftfy import fix_encoding
from ftfy.fixes import fix_character_width, fix_latin_ligatures, uncurl_quotes, unescape_html

# Chosen: double escaping and mojibake of mojibake settle in three rounds; more is hostile.
MAX_ROUNDS = 8

# Controls, lone surrogates, soft hyphen, zero-width and bidi marks. The two joiners (200C, 200D)
# stay, since emoji and several scripts are spelt with them.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]+"
)


def normalise(text: str) -> str:
    """Decode entities, repair mojibake, straighten quotes, compose, drop what cannot be seen.

    Returns:
        One line in NFC without leading, trailing or double spaces; normalising it again changes
        nothing. Empty where the text still changes after `MAX_ROUNDS`.
    """
    for _ in range(MAX_ROUNDS):
        cleaned = _one_round(text)
        if cleaned == text:
            return cleaned
        text = cleaned
    return ""


def unescape_entities(text: str) -> str:
    """`&amp;amp;` -> `&`: as deep as it goes, but only entities that end in a semicolon.

    Browsers also read `&copy2020`; in running text that rule turns `R&regions` into a trademark.
    """
    while "&" in text and (decoded := unescape_html(text)) != text:
        text = decoded
    return text


def repair_mojibake(text: str) -> str:
    """`cafÃ©` -> `café`: undo a decoding by the wrong charset (ftfy), where it is certain."""
    return str(fix_encoding(text))


def plain_letters(text: str) -> str:
    """Straight quotes, no ligatures, no fullwidth forms: one spelling for a later vocabulary."""
    return str(fix_character_width(fix_latin_ligatures(uncurl_quotes(text))))


def compose(text: str) -> str:
    """NFC; chosen over NFKC, which turns `m²` into `m2` and splits `½`."""
    return unicodedata.normalize("NFC", text)


def drop_invisible(text: str) -> str:
    """Remove controls, lone surrogates, zero-width and bidi marks."""
    return _INVISIBLE.sub("", text)


def collapse_spaces(text: str) -> str:
    """Any run of white space, line breaks included, becomes one space."""
    return " ".join(text.split())


UNICODE_STEPS = (repair_mojibake, plain_letters, drop_invisible, compose, collapse_spaces)


def _one_round(text: str) -> str:
    text = collapse_spaces(unescape_entities(text))
    if text.isascii() and text.isprintable():
        return text  # the other steps have nothing to do; most captions end here
    for step in UNICODE_STEPS:
        text = step(text)
    return text
