"""The steps of DALL·E mini, which give the captions of several data sets one spelling.

Source: borisdayma/dalle-mini, src/dalle_mini/model/text.py, `TextNormalizer`, in that order.
Otherwise than there, emoji have the names of Unicode, letters are those of anyascii, words of
hashtags are as frequent as wordfreq has them, and what is drawn at random there is drawn by a
digest of the text.
"""

import html
import re
import unicodedata
from bisect import bisect_right
from hashlib import blake2b
from itertools import accumulate

from dalle_model.mini.hashtags import split_hashtags

# Source: as above, counts of words of Wikipedia.
PERSON_WORDS = (("a person", 282_265), ("someone", 121_194), ("somebody", 12_219))

_PEOPLE = re.compile(r"<person>(?:(?:[,\s]|and)*<person>)+")
_PERSON = re.compile("<person>")
_REFERENCE = re.compile(r"\A\s*\[[0-9]+\]|\[[0-9]+\]\s*\Z")
_TAG = re.compile(r"<[^<>]+>")
_ADDRESS = re.compile(r"http\S+")
_THOUSANDS = re.compile(r"(?<=[0-9]),(?=[0-9]{3})")
_JOINED = re.compile(r"(?<=\w)-(?=\w)")
_SIGN = re.compile(r"(?<![0-9])/|/(?![0-9])|[%&$*]")
_USELESS = re.compile(r"[_#\\]")
_QUOTE = re.compile(r"[\"`]|'(?!(?:[stdm]|ll|re|ve)\b)")
_QUOTES = re.compile(r'"(?:\s*")+')
_PUNCTUATION = re.compile(r"(?<!\w)\.|\.(?!\w)|(?<![0-9])/|/(?![0-9])|[()\[\],|:;?!=+~\-{}]")
_REPEAT = re.compile(r"(\D)\1{3,}")
_SPACES = re.compile(r"\s+")
_COMMAS = re.compile(r"(?<!\s)\s*,[,\s]*")
# Chosen: the blocks of emoji; letters of flags and signs for lines are left to `transliterate`.
_EMOJI = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")
_SKIN_TONE = re.compile("[\U0001f3fb-\U0001f3ff]")


def normalise(caption: str) -> str:
    """A caption as DALL·E mini was trained on it: in ASCII, lower case, with a space before it."""
    for step in _STEPS:
        caption = step(caption)
    return f" {caption}"


def fix_text(text: str) -> str:
    """Repaired by ftfy with all its defaults."""
    from ftfy import fix_text as repaired  # of the extra `data`, as anyascii and wordfreq

    return str(repaired(text))


def unescape_twice(text: str) -> str:
    """HTML entities decoded twice, also those that lack their semicolon."""
    return html.unescape(html.unescape(text))


def demojize(text: str) -> str:
    """An emoji becomes its Unicode name, as `:grinning_face:`; tones of skin go."""
    return _EMOJI.sub(_emoji_name, _SKIN_TONE.sub("", text))


def transliterate(text: str) -> str:
    """In ASCII letters, by anyascii (ISC licence); theirs is unidecode, under the GPL."""
    from anyascii import anyascii

    return anyascii(text)


def person_words(text: str) -> str:
    """`<person>` becomes words, several side by side `people`.

    Theirs are drawn at random without a seed; here a digest of the text draws them, so that the
    proportions stay and a caption always reads the same.
    """
    text = _PEOPLE.sub(" people ", text)
    drawn = int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest())
    return _PERSON.sub(lambda match: f" {_person_word(drawn + match.start())} ", text)


def drop_references(text: str) -> str:
    """Without `[12]` at the beginning and the end, as captions of Wikipedia have it."""
    return _REFERENCE.sub("", text)


def drop_tags(text: str) -> str:
    """Without HTML tags."""
    return _TAG.sub("", text)


def drop_addresses(text: str) -> str:
    """Without web addresses."""
    return _ADDRESS.sub("", text)


def join_thousands(text: str) -> str:
    """`1,000,000` -> `1000000`."""
    return _THOUSANDS.sub("", text)


def space_signs(text: str) -> str:
    """`black-and-white` -> `black and white`; spaces around `%`, `&`, `/`, `$`, `*`.

    The slash of `3/4` stays as it is.
    """
    return _SIGN.sub(r" \g<0> ", _JOINED.sub(" ", text))


def drop_signs(text: str) -> str:
    r"""Without `_`, `#` and `\`."""
    return _USELESS.sub(" ", text)


def double_quotes(text: str) -> str:
    """Runs of any quotes become one `"` between spaces; `'s`, `'t`, `'ll` and the like stay."""
    return _QUOTES.sub('"', _QUOTE.sub(' " ', text))


def punctuation_to_commas(text: str) -> str:
    """Every sign that separates sentences becomes a comma; `3.5`, `u.s` and `3/4` keep theirs."""
    return _PUNCTUATION.sub(",", text)


def squeeze_repeats(text: str) -> str:
    """Four and more of a character become one; three may be a Roman numeral."""
    return _REPEAT.sub(r"\1", text)


def join_spaces(text: str) -> str:
    """One space for several, and for tabs and ends of lines."""
    return _SPACES.sub(" ", text)


def merge_commas(text: str) -> str:
    """One comma for several, and none at the beginning and the end."""
    return _COMMAS.sub(", ", text).strip(", ")


def _emoji_name(match: re.Match[str]) -> str:
    name = unicodedata.name(match[0], "")
    return f" :{name.lower().replace(' ', '_')}: " if name else match[0]


def _person_word(drawn: int) -> str:
    bounds = list(accumulate(weight for _, weight in PERSON_WORDS))
    return PERSON_WORDS[bisect_right(bounds, drawn % bounds[-1])][0]


_STEPS = (
    fix_text,
    unescape_twice,
    demojize,
    transliterate,
    str.lower,
    person_words,
    drop_references,
    drop_tags,
    drop_addresses,
    join_thousands,
    space_signs,
    split_hashtags,
    drop_signs,
    double_quotes,
    punctuation_to_commas,
    squeeze_repeats,
    join_spaces,
    merge_commas,
)
