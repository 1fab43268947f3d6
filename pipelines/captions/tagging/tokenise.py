"""Splits captions as the Penn Treebank does, which is what taggers have learned from.

Source: Penn Treebank tokenisation (MacIntyre 1995, tokenizer.sed), with these differences: a
full stop ends a sentence in the middle of a caption too, brackets and quotation marks stay as
written, and a slash between letters stands alone.
"""

import re
from collections.abc import Sequence

import numpy as np

from pipelines.captions.tokens import Tokens

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


def tokenise(text: str) -> list[str]:
    """Words and punctuation, in order; every character but white space is in one of them."""
    return _TOKEN.findall(text)


def tokenise_all(texts: Sequence[str]) -> Tokens:
    """The same for many captions."""
    words: list[str] = []
    counts = np.zeros(len(texts), np.int64)
    for i, text in enumerate(texts):
        found = _TOKEN.findall(text)
        words += found
        counts[i] = len(found)
    return Tokens.of_words(words, counts)
