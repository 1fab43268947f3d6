"""Splits captions as the Penn Treebank does, which is what taggers have learned from.

Source: Penn Treebank tokenisation (MacIntyre 1995, tokenizer.sed), with these differences: a
full stop ends a sentence in the middle of a caption too, brackets and quotation marks stay as
written, and a slash between letters is a token.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from pipelines.text.tokens import Tokens

_ABBREVIATION = (
    r"(?:[A-Za-z]\.){2,}|[A-Z]\.(?=\s+[A-Z])"
    r"|(?:Mr|Mrs|Ms|Dr|St|Jr|Sr|Prof|Gen|Rep|Sen|Gov|Lt|Col|Capt|Sgt|Mt|Ft|No|vs|etc|Inc|Ltd|Co|Corp"
    r"|Ave|Blvd|Rd|approx|ca|Jan|Feb|Aug|Sept?|Oct|Nov|Dec)\."
)
_CLITIC = r"['\u2019](?:s|m|d|re|ve|ll)\b"
_TOKEN = re.compile(
    rf"""
      (?:https?://|www\.)\S+                            # an address
    | [@#]\w+                                           # a handle, a hash tag
    | \d\w*(?:[.,:/]\d\w*)*(?:-\w+)*                    # 1,000  3/4  10:30  1920s  3-year-old
    | (?-i:{_ABBREVIATION})(?!\w)
    | ['\u2019]\d\ds?\b                                 # '90s
    | can(?=not\b)
    | n['\u2019]t\b
    | {_CLITIC}
    | (?:(?!n['\u2019]t\b|{_CLITIC})[^\W_])             # a word, up to what is cut off it
      (?:(?!n['\u2019]t\b)\w|[.](?=\w\w)|(?!{_CLITIC})['\u2019](?=[^\W\d])|-(?=\w))*
    | \.{{2,}} | -{{2,}} | \S
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Runs of straight marks that open. Source: tokenizer.sed, for what precedes them. Chosen: a
# word must follow, since between two spaces a mark may as well close.
_OPENING = re.compile(r"""(?<![^\s(\[{<])["']+(?=[^\s"'])""")
_OPENING_FORMS = {'"': "``", "'": "`"}


def tokenise(texts: Sequence[str]) -> Tokens:
    """Words and punctuation of captions; every character but white space is in one of them."""
    words: list[str] = []
    counts = np.zeros(len(texts), np.int64)
    for i, text in enumerate(texts):
        found = _TOKEN.findall(text)
        words += found
        counts[i] = len(found)
    return Tokens.of_words(words, counts)


def with_quotes(tokens: Tokens, texts: Sequence[str]) -> Tokens:
    """Tokens with those straight quotation marks in Treebank form whose side is known.

    These are marks that open, "``" or "`", and those that close a single one, "''". White space
    distinguishes "of 'Hollywood Homicide'" from "the dogs' bowls", and tokens have none.

    Args:
        tokens: of the texts, from `tokenise`.
        texts: the same that were tokenised.
    """
    found = [
        (first + index, form)
        for first, text in zip(tokens.offsets[:-1].tolist(), texts, strict=True)
        if ('"' in text or "'" in text) and _OPENING.search(text)
        for index, form in _quotes(text)
    ]
    if not found:
        return tokens
    indices, forms = zip(*found, strict=True)
    types, new_ids = np.unique(forms, return_inverse=True)
    ids = tokens.ids.copy()
    ids[list(indices)] = len(tokens.types) + new_ids
    return Tokens([*tokens.types, *types.tolist()], ids, tokens.offsets)


def _quotes(text: str) -> Iterator[tuple[int, str]]:
    """Indices among the tokens of a text, and the forms of the marks there."""
    opening = {index for run in _OPENING.finditer(text) for index in range(*run.span())}
    is_open = False
    for index, token in enumerate(_TOKEN.finditer(text)):
        word = token[0]
        if token.start() in opening and word in _OPENING_FORMS:
            is_open |= word == "'"
            yield index, _OPENING_FORMS[word]
        elif word == "'" and is_open:
            is_open = False
            yield index, "''"
