"""The steps of RedCaps, for titles that people gave their own photos.

Source: redcaps-dataset/redcaps-downloader, redcaps/downloaders/info_downloader.py,
`_sanitize_caption` (Desai et al. 2021), in that order. Where theirs cuts a part out without a
trace ("photo 640x480 sunset" -> "photosunset"), a space stays here; the step `spaces` tidies up.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from ftfy import fix_text

from pipelines.text.normalise.clean import NOT_PLAIN
from pipelines.text.normalise.step import NormalisingStep, step

_BRACKETED = re.compile(r"[\[(][^\])]*[\])]")
# Numbers with a comma between them count as well: theirs removes "1,000" too.
_RESOLUTION = re.compile(r"(?<![0-9])[0-9]+\s*[xX\u00d7*,]\s*[0-9]+")
_HANDLE = re.compile(r"@[\w.]+")


def nfkd(text: str) -> str:
    """Repaired by ftfy and decomposed (NFKD): accents and wide forms apart from their letters."""
    return fix_text(text, normalization="NFKD")


def lowercase(text: str) -> str:
    """In lower case."""
    return text.lower()


def drop_brackets(text: str) -> str:
    """Without what is in `[..]` or `(..)`; an opening bracket meets the next closing one."""
    end = max(text.rfind("]"), text.rfind(")")) + 1  # each match ends before: no second scan
    return _BRACKETED.sub(" ", text[:end]) + text[end:]


def drop_resolutions(text: str) -> str:
    """Without sizes such as `1920x1080`."""
    return _RESOLUTION.sub(" ", text)


def mask_handles(text: str) -> str:
    """`@someone` -> `<usr>`."""
    return _HANDLE.sub("<usr>", text)


def ascii_only(text: str) -> str:
    """Without any character beyond ASCII."""
    return text.encode("ascii", "ignore").decode()


REDCAPS: Mapping[str, NormalisingStep] = MappingProxyType(
    {
        "nfkd": step(nfkd, f"&|{NOT_PLAIN}"),
        "lowercase": step(lowercase, f"[A-Z]|{NOT_PLAIN}"),
        "drop_brackets": step(drop_brackets, r"[\])]"),
        "drop_resolutions": step(drop_resolutions, "[0-9]"),
        "mask_handles": step(mask_handles, "@"),
        "ascii_only": step(ascii_only, NOT_PLAIN),
    }
)
