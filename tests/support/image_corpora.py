"""Public collections of odd and broken images, out of the source packages that they are tests of.

`pip` and `apt-get` download them into a cache, and `image_corpora.tsv` lists what is taken, by name
and SHA-256; licences differ, so the files themselves are not in this repository.
`python -m tests.support.image_corpora` writes that list again.
"""

import hashlib
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

LIST = Path(__file__).with_suffix(".tsv")
CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "dalle" / "image_corpora"

PILLOW = (
    "pillow==13.0.0 "
    "--hash=sha256:cdcd1ba258178f7356d74170c9a81ba4eab6a5d55748bc402a5a2a6fe6be3510\n"
)
RELEASE = "bookworm"  # of Debian, which keeps the upstream version of a package as long as it lives
PACKAGES = (
    "exiv2",
    "gdk-pixbuf",
    "giflib",
    "golang-golang-x-image",
    "graphicsmagick",
    "imagemagick",
    "jhead",
    "leptonlib",
    "libgd2",
    "libimage-exiftool-perl",
    "libjpeg-turbo",
    "libpng1.6",  # with PngSuite
    "libsdl2-image",
    "openjpeg2",
    "tiff",
    "vips",
)

_IS_IMAGE = re.compile(
    r"""\.(ani|apng|avif|blp|bmpf?|cur|dcx|dds|eps|exv|fits|fl[ic]|fpx|gbr|gd2?|gif|heic|ico|icns|im
    |j2[ck]|jfif|jng|jp[2fxg]|jpeg?|jxl|mng|mpo|msp|pbm|pcd|pcx|pgm|png|pnm|pp[2m]|psd|qoi|ras|sgi
    |spider|svg|tga|tiff?|wal|wbmp|webp|xbm|xpm|xv)$""",
    re.IGNORECASE | re.VERBOSE,
)
_IS_HOSTILE = re.compile(
    r"/[^/]*(poc|crash|fuzz|oom-|timeout-|ghsa)[^/.]*(\.bin|\.dat)?$", re.IGNORECASE
)
_MAX_BYTES = 20 << 20  # what the fetch stage takes


class CorporaError(RuntimeError):
    """The collections cannot be had here, or are others than those listed."""


def corpora(cache: Path = CACHE) -> dict[str, bytes]:
    """The files of the list by name, downloaded where the cache lacks them.

    Raises:
        CorporaError: a listed file is missing or of another content.
    """
    found = _unpacked(cache)
    listed = dict(line.split("\t") for line in LIST.read_text().splitlines())
    wrong = [name for name, sha256 in listed.items() if _sha256(found.get(name, b"")) != sha256]
    if wrong:
        raise CorporaError(f"{len(wrong)} files are not those of {LIST.name}, such as {wrong[0]}")
    return {name: found[name] for name in listed}


def _unpacked(cache: Path) -> dict[str, bytes]:
    """Every image of the collections by name; of files with the same content, the first."""
    found: dict[str, bytes] = {}
    seen: set[str] = set()
    for archive in sorted(_archives(cache)):
        for name, content in _images(archive):
            if (digest := _sha256(content)) not in seen:
                seen.add(digest)
                found[name] = content
    return found


def _archives(cache: Path) -> list[Path]:
    """The tarballs in the cache; they are downloaded once."""
    is_complete = cache / "complete"
    if not is_complete.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _download_pillow(cache)
        _download_packages(cache)
        is_complete.touch()
    return [path for path in cache.iterdir() if ".tar." in path.name]


def _download_pillow(cache: Path) -> None:
    requirement = cache / "requirement.txt"
    requirement.write_text(PILLOW)
    options = ["--quiet", "--no-deps", "--no-binary", "pillow", "--require-hashes"]
    command = [sys.executable, "-m", "pip", "download", *options, "-d", cache, "-r", requirement]
    subprocess.run(command, check=True)


def _download_packages(cache: Path) -> None:
    """With apt, from where this machine gets its packages, but in folders of their own."""
    for name in ("lists/partial", "archives/partial"):
        (cache / "apt" / name).mkdir(parents=True, exist_ok=True)
    (cache / "apt" / "sources.list").write_text(f"deb-src {_mirror()} {RELEASE} main\n")
    places = {
        "Dir::Etc::sourcelist": "sources.list",
        "Dir::Etc::sourceparts": "none",
        "Dir::State::lists": "lists",
        "Dir::Cache": ".",
    }
    options = [f"-o{name}={cache / 'apt' / place}" for name, place in places.items()]
    options += ["-qq", "-oAPT::Sandbox::User=root"]  # downloads as whoever runs the test
    sources = ["source", "--download-only", "--tar-only", *PACKAGES]
    for command in (["update"], sources):
        subprocess.run(["apt-get", *options, *command], check=True, cwd=cache)


def _mirror() -> str:
    """Where this machine's packages of Debian come from.

    Raises:
        CorporaError: it is no Debian.
    """
    shape = ["--format", "$(REPO_URI) $(COMPONENT)", "Created-By: Packages"]
    try:
        targets = subprocess.run(
            ["apt-get", "indextargets", *shape], capture_output=True, text=True, check=True
        ).stdout
    except FileNotFoundError as error:
        raise CorporaError(
            "the corpora are source packages of Debian: apt-get is missing"
        ) from error
    for line in targets.splitlines():
        uri, _, component = line.partition(" ")
        if component == "main" and uri.rstrip("/").endswith("/debian"):
            return uri
    raise CorporaError("the corpora are source packages of Debian, which apt has no source of here")


def _images(archive: Path) -> Iterator[tuple[str, bytes]]:
    package = archive.name.partition(".orig")[0].removesuffix(".tar.gz").partition("_")[0]
    with tarfile.open(archive) as members:
        for member in members:
            _, _, name = member.name.partition("/")
            if member.isfile() and 0 < member.size <= _MAX_BYTES and _is_wanted(f"/{name}"):
                content = members.extractfile(member)
                assert content is not None
                yield f"{package}/{name}", content.read()


def _is_wanted(name: str) -> bool:
    return bool(_IS_IMAGE.search(name) or _IS_HOSTILE.search(name)) and "\t" not in name


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def lines(found: Mapping[str, bytes]) -> Iterator[str]:
    """The lines of the list."""
    for name, content in sorted(found.items()):
        yield f"{name}\t{_sha256(content)}\n"


if __name__ == "__main__":
    LIST.write_text("".join(lines(_unpacked(CACHE))))
