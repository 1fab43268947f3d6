"""Text that a page wraps around any image: cropped where it frames a caption, else measured.

Source: Sharma et al. 2018, section 3 (crop prefixes and suffixes, drop by begin and end);
Ramesh et al. 2021, section 2.3 ("photographed on <date>"). The phrases are in `boilerplate.txt`.
"""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dalle_model.files import sha256
from pipelines.text import prefilter
from pipelines.text.dates import DAY, MONTH, MONTH_STEMS

PHRASES_PATH = Path(__file__).with_name("boilerplate.txt")
SEPARATORS = " -\u2013\u2014:;,.|/~*\u2022\u00b7"  # with both dashes, bullet and middle dot

_MONTH = rf"{MONTH.lower()}\.?"
_YEAR = r"(?:(?:1[89]|20)\d\d|'\d\d)"
_DATE = rf"""(?:
    (?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?
    (?:
        (?:the\s+)?{DAY}(?:\s+of)?[\s-]+{_MONTH}(?:,?[\s-]+(?:{_YEAR}|\d\d))?   # 12th of May, 2009
      | {_MONTH}\s+{DAY}(?:,?\s+{_YEAR})?                                       # May 12, 2009
      | {_MONTH},?\s+{_YEAR}                                                     # May 2009
      | {_YEAR}[\s-]+{_MONTH}[\s-]+{DAY}                                        # 2009 May 12
      | \d{{4}}[-/.:]\d{{1,2}}[-/.:]\d{{1,2}}                                      # 2009-05-12
      | \d{{1,2}}[-/.]\d{{1,2}}[-/.](?:\d{{4}}|\d\d)                               # 12/05/2009
    )
    (?:,?\s*(?:at|@|t)?\s*\d{{1,2}}[:.]\d\d(?:[:.]\d\d)?(?:\s*[ap]\.?m\.?)?)?    # at 10:32 am
)"""
_WORK = (
    r"(?:photograph(?:ed)?|photo(?:\s+by)?|picture|image|pic|taken|captured|shot|snapped|scanned"
    r"|recorded|uploaded|posted|published|submitted|added|created|dated|updated|last\s+modified)"
)
_DATED = rf"""\b(?=[\w'])(?:
    (?P<work>{_WORK})(?:\s+{_WORK}|\s+was|\s+is){{0,3}}\s*(?:on|in|at|from|:|-)?\s*(?:{_DATE}|{_YEAR})
  | {_DATE}
)(?!\w)"""
_DATE_HINT = r"\d[-/.:]\d|\d{4}|jan|feb|ma[ry]|apr|ju[nl]|aug|sep|oct|nov|dec"
# Three times as fast as ignoring case, but only ASCII keeps its length when it is lowered.
_IN_LOWERED_ASCII = (re.compile(_DATE_HINT), re.compile(_DATED, re.VERBOSE))
_IN_ANY = tuple(re.compile(p, re.VERBOSE | re.IGNORECASE) for p in (_DATE_HINT, _DATED))
_HAS_DIGIT = re.compile(r"\d")
_HAS_YEAR = re.compile(r"\d{4}|\d\D+\d")  # alone, "March 5" may be "march 5 men"

_FILE_NAME = re.compile(
    r"""(?:
        \S*\.(?:jpe?g|png|gif|webp|bmp|tiff?|svg|heic|avif|psd)         # anything.jpg
      | (?:https?://|www\.)\S*                                          # an address
      | (?:img|dscn?|dsc[fn]|dscf|pict|pxl|mvi|gopr|screenshot|scan|image|photo|pic|wp|sam)
        [-_ ]?\d{2,}\S*                                                 # IMG_2031, DSC00123
      | p\d{7}\S*                                                       # P1010023
      | [0-9a-f]{16,}                                                   # a digest
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_FILE_NAME_HINT = re.compile(r"\d\d|/|\w\.\w")

# Twins for RE2, which has no lookaround, and whose \d and \s are ASCII: they find something
# wherever the patterns above do, and rarely elsewhere. The last choice is for Turkish, whose two
# letters i Python takes for ours.
_D, _S = r"[0-9\x{80}-\x{10FFFF}]", r"[\x00-\x20\x{80}-\x{10FFFF}]"
_MONTHS = f"(?:{'|'.join(MONTH_STEMS)})"
_WORKS = _WORK.replace(r"\s", _S)
_DATED_HINT = (
    rf"(?i){_MONTHS}[a-z]*\.?,?(?:{_S}|-)+(?:{_D}|')|{_D}(?:st|nd|rd|th)?(?:{_S}+of)?(?:{_S}|-)+{_MONTHS}"
    rf"|{_D}[-/.:]{_D}{{1,2}}[-/.:]{_D}"
    rf"|(?:{_WORKS}|was|is){_S}*(?:on|in|at|from|:|-)?{_S}*(?:(?:1[89]|20){_D}{_D}|'{_D}{_D})"
    r"|[\x{130}\x{131}]"
)
_FILE_NAME_HINT_RE2 = (
    r"(?i)\.(?:jpe?g|png|gif|webp|bmp|tiff?|svg|heic|avif|psd)|https?://|www\."
    r"|(?:img|dscn?|dsc[fn]|pict|pxl|mvi|gopr|screenshot|scan|image|photo|pic|wp|sam)[-_]?"
    rf"{_D}{_D}|p{_D}{{7}}|[0-9a-f]{{16}}|[\x{{130}}\x{{131}}]"
)


def phrases_version() -> str:
    """SHA-256 of the phrases, for a fingerprint."""
    return sha256(PHRASES_PATH.read_bytes())


@cache
def phrases(kind: str) -> tuple[str, ...]:
    """The phrases of a kind (`crop-prefix`, `crop-suffix`, `drop`), longest first."""
    lines = PHRASES_PATH.read_text("utf-8").splitlines()
    pairs = [line.partition(": ") for line in lines if line and not line.startswith("#")]
    found = {phrase.strip() for name, _, phrase in pairs if name == kind}
    return tuple(sorted(found, key=lambda phrase: (-len(phrase), phrase)))


def crop(text: str) -> str:
    """Cut framing phrases off both ends; a caption that is nothing else stays as it is."""
    cropped = text
    while (shorter := _crop_once(cropped)) != cropped:
        cropped = shorter
    return cropped


def drop_phrase(text: str) -> str:
    """The phrase for which a caption that begins or ends so is dropped; empty where none does."""
    lowered = text.lower()
    if not (lowered.startswith(phrases("drop")) or lowered.endswith(phrases("drop"))):
        return ""
    match = _edge_patterns("drop")[0].match(text) or _at_end("drop", text)
    return match.group(1).lower() if match else ""


def dated_fraction(text: str) -> float:
    """Share of the characters that are dates, with words such as "photographed on" before them."""
    line, (hint, pattern) = (text.lower(), _IN_LOWERED_ASCII) if text.isascii() else (text, _IN_ANY)
    if not (_HAS_DIGIT.search(line) and hint.search(line)):
        return 0.0
    dated = (
        match for match in pattern.finditer(line) if match["work"] or _HAS_YEAR.search(match[0])
    )
    return sum(len(match[0]) for match in dated) / len(text)


def file_name_fraction(text: str) -> float:
    """Share of file names, addresses and camera counters among the strings between spaces."""
    if not _FILE_NAME_HINT.search(text):
        return 0.0
    words = text.split()
    return sum(bool(_FILE_NAME.fullmatch(word.strip("()[],;"))) for word in words) / len(words)


def crop_column(texts: pa.StringArray) -> pa.StringArray:
    """`crop` of each text."""
    return prefilter.map_matching(texts, _edge_hint("crop-prefix", "crop-suffix"), crop)


def num_drop_phrases(texts: pa.StringArray) -> NDArray[np.float64]:
    """1 for each text that has a `drop_phrase`, else 0; float64 `[texts]`."""
    return prefilter.measure_matching(
        texts, _edge_hint("drop", "drop"), lambda text: bool(drop_phrase(text))
    )


def dated_fractions(texts: pa.StringArray) -> NDArray[np.float64]:
    """`dated_fraction` of each text, float64 `[texts]`."""
    return prefilter.measure_matching(texts, _DATED_HINT, dated_fraction)


def file_name_fractions(texts: pa.StringArray) -> NDArray[np.float64]:
    """`file_name_fraction` of each text, float64 `[texts]`."""
    return prefilter.measure_matching(texts, _FILE_NAME_HINT_RE2, file_name_fraction)


def _crop_once(text: str) -> str:
    lowered = text.lower()
    if lowered.startswith(phrases("crop-prefix")):
        text = _edge_patterns("crop-prefix")[0].sub("", text).strip(SEPARATORS) or text
    if lowered.endswith(phrases("crop-suffix")):
        match = _at_end("crop-suffix", text)
        text = (text[: match.start()].rstrip(SEPARATORS) if match else text) or text
    return text


def _at_end(kind: str, text: str) -> re.Match[str] | None:
    longest = len(phrases(kind)[0])
    return _edge_patterns(kind)[1].search(text, max(0, len(text) - longest))


@cache
def _edge_patterns(kind: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The phrases of a kind at the beginning and at the end, as whole words."""
    either = "|".join(re.escape(phrase) for phrase in phrases(kind))
    return (
        re.compile(rf"({either})(?!\w)", re.IGNORECASE),
        re.compile(rf"(?<!\w)({either})$", re.IGNORECASE),
    )


@cache
def _edge_hint(first: str, last: str) -> str:
    """For RE2: what begins with a phrase of the first kind, or ends with one of the last."""
    begins, ends = ("|".join(map(re.escape, phrases(kind))) for kind in (first, last))
    # The lower case of a dotted capital I begins with a plain i, which RE2 does not know.
    return rf"(?i)^(?:{begins})|(?:{ends})$|\x{{130}}"
