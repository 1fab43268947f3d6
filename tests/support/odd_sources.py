"""Seeded folders of images and tars with planted oddities, each of which says what becomes of it.

`odd_folder` and `odd_tar` make a source; its `expected` is the law of the books: every file that
was put in is in a row, in a rejection or counted, and nothing else is.
"""

import io
import json
import os
import random
import tarfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

LIMIT = 2000  # bytes of an image above which the sources are to be read
PNG, JPEG, GIF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a"

LINK, FOLDER, PIPE, FOLDER_LINK = "a link to nothing", "a folder", "a pipe", "a link to a folder"

Chance = random.Random
Content = bytes | str  # of a file, or one of the four above


@dataclass
class Outcome:
    """What becomes of the files of a plant, or of all.

    Args:
        kept: captions of rows.
        rejected: reasons of rejections.
        passed_over: by kind.
        num_used: files that rows and rejections are about.
    """

    kept: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)
    num_used: int = 0

    def add(self, other: "Outcome") -> None:
        """Take over what becomes of further files."""
        self.kept += other.kept
        self.rejected += other.rejected
        self.passed_over += other.passed_over
        self.num_used += other.num_used

    @property
    def num_files(self) -> int:
        """Files put in; folders are not counted."""
        return self.num_used + self.passed_over.total()


@dataclass
class Plant:
    """Some files and what becomes of them."""

    files: list[tuple[str, Content]]
    outcome: Outcome


def odd_folder(path: Path, seed: int) -> Outcome:
    """Make a folder with up to twenty plants, in up to three folders."""
    chance = Chance(f"folder {seed}")
    expected = Outcome()
    for below in chance.sample(
        ["", "sub", "a.b [1]", os.fsdecode(b"caf\xe9")], chance.choice([1, 3])
    ):
        kinds = [_captioned, *chance.choices(_IN_FOLDERS, k=chance.randrange(7))]
        for number, kind in enumerate(kinds):
            plant = kind(chance, _stem(chance, number), number)
            _write(path / below, plant.files)
            expected.add(plant.outcome)
        if chance.random() < 0.3:
            _write(path / below, [("index.html", b"<img src=a.jpg>")])
            expected.add(_passed_over("pages in folders of images"))
    return expected


def odd_tar(seed: int) -> tuple[bytes, Outcome]:
    """A tar, plain or gzipped, of up to twenty plants."""
    chance = Chance(f"tar {seed}")
    expected = Outcome()
    members: list[tuple[str, Content]] = []
    for number, kind in enumerate(chance.choices(_IN_TARS, k=chance.randrange(20))):
        plant = kind(chance, f"{number:03d}", number)
        members += plant.files
        expected.add(plant.outcome)
    for name, content, what in chance.choices(_BETWEEN, k=chance.randrange(4)):
        members.insert(chance.randrange(len(members) + 1), (name, content))
        expected.add(_passed_over(what) if what else Outcome())
    return _tar(chance, members), expected


def _write(folder: Path, files: list[tuple[str, Content]]) -> None:
    for name, content in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif content == FOLDER:
            path.mkdir()
        elif content == PIPE:
            os.mkfifo(path)
        else:
            path.symlink_to("/nowhere/at-all" if content == LINK else ".")


def _tar(chance: Chance, members: list[tuple[str, Content]]) -> bytes:
    sink = io.BytesIO()
    form = chance.choice([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
    mode = chance.choice(["w", "w", "w:gz"])
    with tarfile.open(  # type: ignore[call-overload]
        fileobj=sink, mode=mode, format=form, errors="surrogateescape"
    ) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                info.type = tarfile.DIRTYPE if content == FOLDER else tarfile.SYMTYPE
                info.linkname = "" if content == FOLDER else "/etc/passwd"
                tar.addfile(info)
    return sink.getvalue()


def _stem(chance: Chance, number: int) -> str:
    """A name that no other number gives, with or without dots that are no suffix."""
    forms = ["{}", "pic.v{}", "2024.05.{} photo", "[{}]*", "a::{}", "-{} #%20?", "two\n{}", "~{}"]
    forms += ["caf\udce9 {}", "cafe\u0301 {}", "café {}", "{} 1.5", "{}" * 40]
    return chance.choice(forms).replace("{}", f"{number:03d}")


def _text(chance: Chance, text: str) -> bytes:
    return text.encode(chance.choice(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))


def _caption(number: int, more: str = "") -> str:
    return f"a café of number {number}{more}"


def _image(chance: Chance, number: int, more: str = "") -> bytes:
    """Bytes that no other number and text give."""
    return chance.choice([PNG, JPEG, GIF, b"<html>404 "]) + f"{number}{more}".encode()


def _suffix(chance: Chance) -> str:
    suffix = chance.choice(
        [
            ".jpg",
            ".jpeg",
            ".jpe",
            ".jfif",
            ".png",
            ".webp",
            ".gif",
            ".bmp",
            ".avif",
            ".heic",
            ".tif",
        ]
    )
    return suffix.upper() if chance.random() < 0.2 else suffix


def _rows(used: int, *captions: str) -> Outcome:
    return Outcome(kept=Counter(captions), num_used=used)


def _rejected(used: int, *reasons: str) -> Outcome:
    return Outcome(rejected=Counter(reasons), num_used=used)


def _passed_over(*what: str) -> Outcome:
    return Outcome(passed_over=Counter(what))


def _captioned(chance: Chance, stem: str, number: int) -> Plant:
    image = (stem + _suffix(chance), _image(chance, number))
    if chance.random() < 0.3:
        document = json.dumps({"caption": _caption(number), "n": 1}, ensure_ascii=False)
        return Plant([image, (f"{stem}.json", _text(chance, document))], _rows(2, _caption(number)))
    suffix = chance.choice([".txt", ".txt", ".caption", ".TXT"])
    text = (stem + suffix, _text(chance, _caption(number)))
    return Plant(chance.sample([image, text], 2), _rows(2, _caption(number)))


def _without_suffix(chance: Chance, _stem: str, number: int) -> Plant:
    stem = chance.choice([f"photo{number:03d}", f"{number:03d} 1.5 litre"])
    text = (f"{stem}.txt", _text(chance, _caption(number)))
    image = (stem, chance.choice([PNG, JPEG, GIF]) + b"%d" % number)
    return Plant([image, text], _rows(2, _caption(number)))


def _uncaptioned(chance: Chance, stem: str, number: int) -> Plant:
    return Plant([(stem + _suffix(chance), _image(chance, number))], _rejected(1, "no_caption"))


def _bad_text(chance: Chance, stem: str, number: int) -> Plant:
    suffix, content = chance.choice(
        [(".txt", b"\xff\xfea"), (".txt", b"\x81\x8d\0"), (".json", b"{"), (".json", b"[1]"),
         (".txt", b"x" * (1 << 20) + b"x")]
    )  # fmt: skip
    image = (stem + _suffix(chance), _image(chance, number))
    return Plant([image, (stem + suffix, content)], _rejected(2, "bad_metadata"))


def _too_large(chance: Chance, stem: str, number: int) -> Plant:
    image = (stem + _suffix(chance), PNG + b"x" * LIMIT)
    text = (f"{stem}.txt", _text(chance, _caption(number)))
    return Plant([image, text], _rejected(2, "picture_too_large"))


def _two_captions(chance: Chance, stem: str, number: int) -> Plant:
    captions = [_caption(number, " one"), _caption(number, " two")]
    image = (stem + _suffix(chance), _image(chance, number))
    document = json.dumps({"captions": captions}).encode()
    return Plant([image, (f"{stem}.json", document)], _rows(2, *captions))


def _lines(chance: Chance, stem: str, number: int) -> Plant:
    captions = [_caption(number, " one"), _caption(number, " two")]
    image = (stem + _suffix(chance), _image(chance, number))
    return Plant(
        [image, (f"{stem}.txt", _text(chance, "\r\n\r\n".join(captions)))], _rows(2, *captions)
    )


def _text_alone(chance: Chance, stem: str, number: int) -> Plant:
    suffix = chance.choice([".txt", ".caption", ".json"])
    return Plant([(stem + suffix, b"{}")], _passed_over(f"{suffix} files"))


def _second_text(chance: Chance, stem: str, number: int) -> Plant:
    image = (stem + _suffix(chance), _image(chance, number))
    texts = [(f"{stem}.txt", _text(chance, _caption(number))), (f"{stem}.caption", b"not read")]
    outcome = _rows(2, _caption(number))
    outcome.add(_passed_over(".caption files"))
    return Plant([image, *texts], outcome)


def _no_file(chance: Chance, stem: str, number: int) -> Plant:
    kinds = {LINK: "links to nothing", PIPE: "pipes, sockets and devices",
             FOLDER_LINK: "links to folders", FOLDER: ""}  # fmt: skip
    kind = chance.choice(list(kinds))
    suffix = chance.choice([".jpg", ".txt", ".json", ".html", ""])
    outcome = _passed_over(kinds[kind]) if kinds[kind] else Outcome()
    return Plant([(stem + suffix, kind)], outcome)


def _no_text_file(chance: Chance, stem: str, number: int) -> Plant:
    plant = _uncaptioned(chance, stem, number)
    no_file = _no_file(chance, stem, number)
    plant.files += [(f"{stem}.txt", content) for _, content in no_file.files]
    plant.outcome.add(no_file.outcome)
    return plant


def _other_kind(chance: Chance, stem: str, number: int) -> Plant:
    name, what = chance.choice(
        [(f"{stem}.mp4", ".mp4 files"), (f".{number}.jpg", "hidden files"),
         (f"{stem}.cls", ".cls files"), (f"{stem}.svg", ".svg files"),
         (f"LICENSE{number}", "files without a suffix that are no images")]
    )  # fmt: skip
    return Plant([(name, b"BM is not always a bitmap")], _passed_over(what))


_FolderKind = Callable[[Chance, str, int], Plant]
_ANYWHERE: list[_FolderKind] = [_captioned, _captioned, _without_suffix, _uncaptioned, _bad_text]
_ANYWHERE += [_too_large, _two_captions]
_IN_FOLDERS = [*_ANYWHERE, _lines, _text_alone, _second_text, _no_file, _no_text_file, _other_kind]


def _roles(chance: Chance, key: str, number: int) -> Plant:
    """A sample whose names say what each file is, with files of other roles beside them."""
    image, text = chance.choice(
        [("image.jpg", "caption.txt"), ("large.png", "txt"), ("jpg", "caption.txt"),
         ("512.webp", "caption"), ("rgb.left.jpg", "text.TXT"), ("dat", "txt")]
    )  # fmt: skip
    files = [(f"{key}.{image}", PNG + b"%d" % number)]
    files.append((f"{key}.{text}", _text(chance, _caption(number))))
    outcome = _rows(2, _caption(number))
    for name, content, what in _BESIDE[: chance.randrange(len(_BESIDE) + 1)]:
        files.append((f"{key}.{name}", content))
        outcome.add(_passed_over(what))
    return Plant(list(files), outcome)


def _dates(chance: Chance, key: str, number: int) -> Plant:
    """Samples that share the name up to the first dot, together or images first."""
    stems = [f"{key}.05.{day:02d} photo" for day in range(1, chance.randrange(2, 9))]
    images = [(f"{stem}.jpg", JPEG + stem.encode()) for stem in stems]
    texts = [(f"{stem}.txt", _text(chance, f"{stem} café")) for stem in stems]
    pairs = [file for pair in zip(images, texts, strict=True) for file in pair]
    files = list(pairs) if chance.random() < 0.6 else [*images, *texts]
    outcome = _rows(len(files), *(f"{stem} café" for stem in stems))
    if chance.random() < 0.3:
        files = [file for file in files if file[0] != images[0][0]]
        outcome = _rows(len(files) - 1, *(f"{stem} café" for stem in stems[1:]))
        outcome.add(_rejected(1, "no_picture"))
    return Plant(list(files), outcome)


def _dates_and_roles(chance: Chance, key: str, number: int) -> Plant:
    """Samples whose names have dots of both kinds."""
    files: list[tuple[str, Content]] = []
    stems = [f"{key}.05.{day:02d} photo" for day in range(1, chance.randrange(2, 5))]
    image, text = chance.choice([("image.jpg", "caption.txt"), ("jpg", "de.txt"), ("a.jpg", "txt")])
    for stem in stems:
        files.append((f"{stem}.{image}", JPEG + stem.encode()))
        files.append((f"{stem}.{text}", _text(chance, f"{stem} café")))
    return Plant(files, _rows(len(files), *(f"{stem} café" for stem in stems)))


def _twice(chance: Chance, key: str, number: int) -> Plant:
    """Two samples of one name, as in a tar that was appended to."""
    captions = [_caption(number, more) for more in (" one", " two")]
    files: list[tuple[str, Content]] = []
    for caption in captions:
        files += [(f"{key}.jpg", caption.encode()), (f"{key}.txt", _text(chance, caption))]
    return Plant(files, _rows(4, *captions))


def _alone(chance: Chance, key: str, number: int) -> Plant:
    suffix, content = chance.choice(
        [(".txt", b"a text"), (".json", b"{}"), (".caption", b"a text")]
    )
    return Plant([(key + suffix, content)], _rejected(1, "no_picture"))


def _odd_names(chance: Chance, key: str, number: int) -> Plant:
    return _captioned(chance, f"{key} {_stem(chance, number)}", number)


_FURTHER_IMAGES, _OTHERS = "further images of a sample", "members that are neither images nor texts"
_BESIDE = [
    ("cls", b"3", _OTHERS),
    ("target.jpg", JPEG, _FURTHER_IMAGES),
    ("npy", b"\x93NUMPY", _OTHERS),
    ("mask.png", PNG, _FURTHER_IMAGES),
    ("tags.txt", b"tags", "further texts of a sample"),
]
_BETWEEN: list[tuple[str, Content, str]] = [
    ("link.jpg", LINK, "links, devices and sparse members"),
    ("folder.jpg", FOLDER, ""),
    ("README", b"BM is not always a bitmap", "members without a suffix"),
    ("._000.jpg", b"mac", "hidden members"),
]
_IN_TARS = [*_ANYWHERE, _roles, _roles, _dates, _dates_and_roles, _twice, _alone, _odd_names]
