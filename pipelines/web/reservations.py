"""Opt-outs that a site states in files of their own: `/.well-known/tdmrep.json` and `/ai.txt`."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from pipelines.web.optout import TDM_RESERVATION
from pipelines.web.robots import Robots, parse_robots
from pipelines.web.url_patterns import matches, normal_form

TDMREP_PATH = "/.well-known/tdmrep.json"
AI_TXT_PATH = "/ai.txt"
MAX_FILE_BYTES = 500 * 1024  # chosen: as much as is read of a robots.txt
AI_TXT = "ai.txt"

# ai.txt forbids types of files. Source: Spawning, ai.txt generator: its list for images.
_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif")

Rule = tuple[str, bool]
"""A pattern of paths in normal form, and whether what it matches is reserved."""


@dataclass(frozen=True)
class Reservations:
    """What the files of an origin reserve.

    Args:
        tdm: in the order of the file, of which the first match counts.
        ai: the rules of ai.txt, in the syntax of a robots.txt; None without one.
    """

    tdm: tuple[Rule, ...] = ()
    ai: Robots | None = None

    def opt_out(self, url: str, headers: Iterable[tuple[str, str]]) -> str:
        """The file that forbids the use of a page's images; empty where none does.

        Args:
            url: of the page.
            headers: of the answer: a TDM header supersedes the TDM file, whatever it says.

        Source: W3C TDMRep final report (2024), sections 6.1 and 8.
        """
        if not any(name == TDM_RESERVATION for name, _ in headers) and _is_reserved(self.tdm, url):
            return TDM_RESERVATION
        if self.ai is None:
            return ""
        siblings = (urljoin(url, f"picture{suffix}") for suffix in _IMAGE_SUFFIXES)
        return AI_TXT if any(map(self.ai.refusal, siblings)) else ""


def reservations_of(tdmrep: bytes | None, ai_txt: bytes | None, token: str) -> Reservations:
    """What the two files of an origin reserve.

    Args:
        tdmrep: content of the tdmrep.json; None where there is none, like the other.
        ai_txt: content of the ai.txt.
        token: this crawler's product token, in lower case.
    """
    return Reservations(
        tdm=() if tdmrep is None else read_tdmrep(tdmrep),
        ai=None if ai_txt is None else parse_robots(ai_txt, token),
    )


def read_tdmrep(body: bytes) -> tuple[Rule, ...]:
    """The rules of a tdmrep.json; anything else reserves nothing.

    Source: W3C TDMRep final report (2024), section 6.1: errors count as no reservation.
    """
    try:
        document = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return ()
    rules = document if isinstance(document, list) else []
    return tuple(
        (normal_form(rule["location"]), str(rule.get(TDM_RESERVATION)) == "1")
        for rule in rules
        if isinstance(rule, dict) and isinstance(rule.get("location"), str)
    )


def _is_reserved(rules: Iterable[Rule], url: str) -> bool:
    parts = urlsplit(url)
    path = normal_form(f"{parts.path}?{parts.query}" if parts.query else parts.path)
    return next((reserved for pattern, reserved in rules if matches(pattern, path)), False)
