"""Which files of a tar make a sample, by their names alone.

Source: webdataset `tariterators.py`, `base_plus_ext`: files that follow each other with the same
name up to the first dot are one sample, and the rest of the name says what each is. Names also have
dots that mean nothing of the kind, as in dates and versions: then files with the same name up to
the last dot belong together.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from pipelines.crawl.images.names import DOCUMENT_SUFFIX, TEXT_SUFFIXES, is_image, split_suffix

IMAGE, TEXT, DOCUMENT, OTHER = "image", "text", "document", "other"

# What stands between the first dot and the suffix where both name what a file is: `image`,
# `caption`, `rgb.left`. Chosen: of words that begin with a letter; those of dates do not.
_ROLE = re.compile(r"[a-z_][\w-]*(\.[a-z_][\w-]*)*", re.IGNORECASE)
_LAST_ROLE = re.compile(r"\.[a-z_][\w-]*$", re.IGNORECASE)
_WORDS = re.compile(r"[\w-]+(\.[\w-]+)*")  # `512` or `v2.large`, beside a file without any


class Name(NamedTuple):
    """The name of a member, taken apart.

    Args:
        key: up to the first dot of its last part; empty for a hidden one.
        stem: up to the suffix.
        suffix: with its dot, in lower case; may be empty.
    """

    key: str
    stem: str
    suffix: str

    @property
    def sample(self) -> str:
        """The name of the sample that it is of: the key, unless dots in the name mean no role."""
        role = _role(self.stem, self.key)
        return self.stem if role and not _ROLE.fullmatch(role) else self.key

    @property
    def kind(self) -> str:
        """What the suffix says; a file of another kind may yet be an image by its bytes."""
        if is_image(self.suffix):
            return IMAGE
        if self.suffix in TEXT_SUFFIXES:
            return TEXT
        return DOCUMENT if self.suffix == DOCUMENT_SUFFIX else OTHER


class Part(NamedTuple):
    """An image or text of a sample.

    Args:
        name: of the file.
        kind: `IMAGE`, `TEXT` or `DOCUMENT`.
        number: of the file among those that are paired, from 0.
    """

    name: Name
    kind: str
    number: int


class Sample(NamedTuple):
    """Files that belong together; None where there is none of a kind.

    Args:
        image: that of the key, else the first.
        text: that of the image, else the first.
        document: likewise.
        further: the rest.
        is_guess: the document need not be one about the image: the sample has a text, and no two
            of its files have one stem.
    """

    image: Part | None
    text: Part | None
    document: Part | None
    further: tuple[Part, ...]
    is_guess: bool


def split_name(path: str) -> Name:
    """Take apart the path of a member."""
    folder, slash, last = path.rpartition("/")
    first = last.partition(".")[0]
    if not first:
        return Name("", "", "")
    stem, suffix = split_suffix(last)
    return Name(folder + slash + first, folder + slash + stem, suffix)


def samples_of(parts: Iterable[Part]) -> list[Sample]:
    """Divide files that follow each other and have one key into samples.

    Args:
        parts: in the order of the archive; no two have the same stem and suffix.
    """
    groups: dict[str, list[Part]] = {}
    for part in parts:
        groups.setdefault(part.name.stem, []).append(part)
    whole = {stem for stem, group in groups.items() if _is_whole(group)}
    key = next((group[0].name.key for group in groups.values()), "")
    if not whole:
        joined, alone = _by_base(groups)
        if len(joined) <= 1 and _is_one_sample(key, groups):
            joined, alone = [[part for group in groups.values() for part in group]], []
        return [_sample(group, any_document=True) for group in joined] + [_sample(g) for g in alone]
    loose = [stem for stem in groups if stem not in whole and _ROLE.fullmatch(_role(stem, key))]
    if key in whole:  # so that the key is a name of its own, and the others say what else it has
        groups[key] += [part for stem in loose for part in groups.pop(stem)]
    return [_sample(group) for group in groups.values()]


def _is_whole(group: list[Part]) -> bool:
    kinds = {part.kind for part in group}
    return IMAGE in kinds and len(kinds) > 1


def _by_base(groups: dict[str, list[Part]]) -> tuple[list[list[Part]], list[list[Part]]]:
    """Groups joined that differ in a last word alone, as `05.01.image` and `05.01.caption`."""
    bases = {stem: _LAST_ROLE.sub("", stem) for stem in groups}
    alone, joined = dict(groups), []
    for name in sorted({*bases, *bases.values()}, key=lambda name: (-len(name), name)):
        stems = [stem for stem in alone if name in {stem, bases[stem]}]
        parts = [part for stem in stems for part in alone[stem]]
        if _is_whole(parts):
            joined.append(parts)
            alone = {stem: group for stem, group in alone.items() if stem not in stems}
    return joined, list(alone.values())


def _is_one_sample(key: str, groups: dict[str, list[Part]]) -> bool:
    """Whether files of different stems are one sample, none of whose stems has image and text."""
    kinds = {part.kind for group in groups.values() for part in group}
    if IMAGE not in kinds or len(kinds) == 1:
        return False
    has_text_of_key = any(part.kind != IMAGE for part in groups.get(key, []))
    form = _WORDS if has_text_of_key else _ROLE
    return all(form.fullmatch(_role(stem, key)) for stem in groups if stem != key)


def _role(stem: str, key: str) -> str:
    return stem.removeprefix(key).removeprefix(".")


def _sample(parts: list[Part], *, any_document: bool = False) -> Sample:
    image = _first((p for p in parts if p.name.stem == p.name.key), IMAGE) or _first(parts, IMAGE)
    stem = image.name.stem if image else ""
    text = _first((p for p in parts if p.name.stem == stem), TEXT) or _first(parts, TEXT)
    about = {stem, text.name.stem, text.name.key} if text else {part.name.stem for part in parts}
    document = _first((part for part in parts if part.name.stem in about), DOCUMENT)
    is_guess = document is None and any_document
    document = _first(parts, DOCUMENT) if is_guess else document
    chosen = (image, text, document)
    further = tuple(part for part in parts if part not in chosen)
    return Sample(*chosen, further, is_guess)


def _first(parts: Iterable[Part], kind: str) -> Part | None:
    return next((part for part in parts if part.kind == kind), None)
