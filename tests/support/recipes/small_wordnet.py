"""A WordNet of a few words: as files in the form of WordNet 3.0, and for the slow filters."""

from pathlib import Path

from tests.support.recipes.slow_datacomp import Dictionary

LISTED = {1001, 1003, 2002, 3001}
WORDS = [
    "dog",
    "dogs",
    "Dogs",
    "mouse",
    "mice",
    "boxes",
    "box",
    "churches",
    "leaf",
    "leaves",
    "run",
    "runs",
    "running",
    "ran",
    "runned",
    "bigger",
    "big",
    "biggest",
    "women",
    "woman",
    "kisses",
    "quickly",
    "better",
    "a",
    "the",
    "glass",
    "glasses",
    "seses",
    "unknownword",
]
_SENSES = {
    "noun": {"dog": [1001, 1009], "mouse": [1002], "box": [1003], "church": [1004], "leaf": [1005],
             "woman": [1006], "run": [1007, 2002], "glass": [1003], "better": [1008], "a": [1010],
             "se": [1001]},
    "verb": {"run": [2001], "kiss": [2002], "box": [1001], "leave": [2003]},
    "adj": {"big": [3001], "good": [3002]},
    "adv": {"quickly": [1001], "well": [4001]},
}  # fmt: skip
_IRREGULAR = {
    "noun": {"mice": ["mouse"], "geese": ["goose"]},
    "verb": {"ran": ["run"]},
    "adj": {"better": ["good"], "bigger": ["big"]},
    "adv": {"better": ["well"]},
}
_ENDINGS = {
    "n": [("s", ""), ("ses", "s"), ("ves", "f"), ("xes", "x"), ("zes", "z"), ("ches", "ch"),
          ("shes", "sh"), ("men", "man"), ("ies", "y")],
    "v": [("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""),
          ("ing", "e"), ("ing", "")],
    "a": [("er", ""), ("est", ""), ("er", "e"), ("est", "e")],
    "r": [],
}  # fmt: skip
_LETTERS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}

DICTIONARY = Dictionary(
    {letter: _SENSES[part] for part, letter in _LETTERS.items()},
    {letter: _IRREGULAR[part] for part, letter in _LETTERS.items()},
    _ENDINGS,
)


def write_wordnet(folder: Path) -> Path:
    """The index files, with the licence at their top, and the lists of exceptions."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, letter in _LETTERS.items():
        lines = ["  1 This software and database is being provided to you", "  2 "]
        for lemma, offsets in _SENSES[part].items():
            found = " ".join(f"{offset:08d}" for offset in offsets)
            lines.append(f"{lemma} {letter} {len(offsets)} 2 @ ~ {len(offsets)} 1 {found}  ")
        (folder / f"index.{part}").write_text("\n".join(lines) + "\n")
        irregular = (f"{form} {' '.join(lemmas)}\n" for form, lemmas in _IRREGULAR[part].items())
        (folder / f"{part}.exc").write_text("".join(irregular))
    return folder


def write_listed(path: Path) -> Path:
    """The list of synsets, as DataComp writes it."""
    path.write_text("".join(f"n{offset:08d}\n" for offset in sorted(LISTED)))
    return path
