"""All access to run data by URL or local path; every write is atomic.

A local path is taken as it is written: it may hold `::`, `://`, `~` or bytes that are no UTF-8,
none of which fsspec would leave alone.
"""

import errno
import hashlib
import io
import json
import os
import posixpath
import re
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, cast

from fsspec import available_protocols, core
from fsspec.implementations.local import LocalFileSystem

from dalle_model.errors import UsageError

TEMPORARY_PREFIX = ".tmp-"
_FILE = "file://"
_ONE_PUT_BYTES = 16 << 20  # chosen: what any worker has room for; larger ones are sent in parts
# What begins with a scheme is a URL, and so is fsspec's chain of them (`filecache::s3://`).
# Source: RFC 3986, section 3.1
_URL = re.compile(r"(?:[a-z][a-z0-9+.-]*::)*[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class UnknownProtocolError(UsageError):
    """A URL begins with a protocol that no file system has."""


def join(url: str, *parts: str) -> str:
    """Append path parts to a URL or a plain path."""
    return posixpath.join(url, *parts)


def is_url(path: str) -> bool:
    """Whether a path begins with a scheme; any other is one on this machine's disks."""
    return _URL.match(path) is not None


def is_local(url: str) -> bool:
    """Whether the URL names a file on this machine's disks."""
    return url.startswith(_FILE) or not is_url(url)


def local_path(url: str) -> str:
    """The absolute path of a local file; nothing in it is expanded or resolved."""
    here = os.getcwd()  # noqa: PTH109 - as below: `Path` is slower than what is done with it
    return posixpath.join(here, url.removeprefix(_FILE).removeprefix("./"))


def url_to_fs(url: str) -> tuple[Any, str]:
    """The file system of a URL and the path in it, as fsspec's; a local path is taken as it is.

    Raises:
        UnknownProtocolError: there is no such file system.
        ImportError: its library is not installed.
    """
    if is_local(url):
        return LocalFileSystem(), local_path(url)
    try:
        return cast(tuple[Any, str], core.url_to_fs(url))
    except ValueError as error:
        protocol = url.partition("://")[0]
        if protocol in available_protocols():
            raise
        near = get_close_matches(protocol, available_protocols(), n=1)
        meant = f"did you mean `{near[0]}://`?" if near else "correct the URL"
        raise UnknownProtocolError(
            f"{url[:200]}: no file system `{protocol[:40]}`; {meant}"
        ) from error


def printable(name: str) -> str:
    """A name for people: bytes that are no UTF-8, which no terminal or file takes, are spelled."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def open_read(url: str) -> BinaryIO:
    """Open a file for binary reading; raises `FileNotFoundError` if it does not exist.

    What is there but can never be read to its end, such as a pipe, is an `OSError` too.
    An object in a store is fetched whole, in one request; `ranges.py` reads one in pieces.
    """
    if is_local(url):
        return _open_file(local_path(url))
    return io.BytesIO(read_bytes(url))


def read_bytes(url: str) -> bytes:
    """The whole content; raises `FileNotFoundError` if there is none."""
    if is_local(url):
        with open(local_path(url), "rb") as stream:  # noqa: PTH123 - for 100,000 markers
            return stream.read()
    filesystem, path = url_to_fs(url)
    filesystem.invalidate_cache()  # another process may have just written it
    return cast(bytes, filesystem.cat_file(path))


def write_bytes(url: str, content: bytes | memoryview) -> None:
    """Write atomically: a reader sees the old state or the whole new content, even after a crash.

    On a disk: temporary name, fsync, rename. In an object store: one PUT.
    """
    filesystem, path = url_to_fs(url)
    if is_local(url):
        with _replacing(Path(path)) as stream:
            stream.write(content)
        return
    filesystem.pipe_file(path, bytes(content))


def append(url: str, content: bytes) -> None:
    """Write at the end of a file, which need not be there; for records that end in the middle.

    On a disk a crash may leave a part of the content. An object in a store is written anew.
    """
    if not is_local(url):
        write_bytes(url, (read_bytes(url) if exists(url) else b"") + content)
        return
    path = Path(local_path(url))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as stream:
        stream.write(content)


def create(url: str, content: bytes) -> None:
    """Write a file that must not be there yet; of several at once, one succeeds.

    On a disk: an exclusive open. In an object store: one PUT on the condition that there is none.

    Raises:
        FileExistsError: it is there.
    """
    filesystem, path = url_to_fs(url)
    if not is_local(url):
        filesystem.pipe_file(path, content, mode="create")
        return
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("xb") as stream:
        stream.write(content)


@contextmanager
def writing(url: str) -> Iterator[BinaryIO]:
    """Write a file piece by piece, as atomically as `write_bytes`; an error leaves the old state.

    For an object store it is collected on this machine's disk, and sent when it is whole: in one
    PUT where it is small.
    """
    filesystem, path = url_to_fs(url)
    if is_local(url):
        with _replacing(Path(path)) as stream:
            yield stream
        return
    with tempfile.NamedTemporaryFile(prefix=TEMPORARY_PREFIX) as spool:
        yield cast(BinaryIO, spool)
        spool.flush()
        if spool.tell() > _ONE_PUT_BYTES:
            filesystem.put_file(spool.name, path)
        else:
            write_bytes(url, Path(spool.name).read_bytes())


def scratch(url: str) -> BinaryIO:
    """A file without a name, for what is too much for memory; gone with the process at the latest.

    It is on the disk of a folder; for one in a store, where this machine has its temporary files.
    """
    folder = None
    if is_local(url):
        folder = local_path(url)
        Path(folder).mkdir(parents=True, exist_ok=True)
    return cast(BinaryIO, tempfile.TemporaryFile(prefix=TEMPORARY_PREFIX, dir=folder))


def exists(url: str) -> bool:
    """Whether a file or folder exists."""
    filesystem, path = url_to_fs(url)
    if not is_local(url):
        filesystem.invalidate_cache()
    return bool(filesystem.exists(path))


def is_folder(url: str) -> bool:
    """Whether a folder exists; in an object store one that holds something."""
    return Path(local_path(url)).is_dir() if is_local(url) else bool(list_names(url))


def list_names(url: str) -> list[str]:
    """Names directly under a folder, sorted; empty if there is no such folder."""
    if is_local(url):
        return _local_names(local_path(url))
    filesystem, path = url_to_fs(url)
    filesystem.invalidate_cache()
    try:
        entries = filesystem.ls(path, detail=False)
    except FileNotFoundError:
        return []
    names = {posixpath.basename(str(entry).rstrip("/")) for entry in entries}
    return sorted(names - {"", posixpath.basename(path.rstrip("/"))} | _own_name(entries, path))


def list_sizes(url: str) -> dict[str, int]:
    """Bytes of each file directly under a folder, by name; empty if there is no such folder.

    In an object store that is a request for each 1,000 files.
    """
    if is_local(url):
        return _local_sizes(local_path(url))
    filesystem, path = url_to_fs(url)
    filesystem.invalidate_cache()
    try:
        entries = filesystem.ls(path, detail=True)
    except FileNotFoundError:
        return {}
    files = [entry for entry in entries if entry["type"] == "file"]
    sizes = {posixpath.relpath(entry["name"], path): entry["size"] for entry in files}
    return {name: size for name, size in sizes.items() if name != "."}


def remove(url: str) -> None:
    """Delete a file or a whole folder, if it exists."""
    if is_local(url) and not os.path.lexists(local_path(url)):
        return  # on a read-only disk it would be an error to try
    filesystem, path = url_to_fs(url)
    try:
        filesystem.rm(path, recursive=True)
    except FileNotFoundError:
        return


def move(source: str, target: str) -> None:
    """Give a file another name in place of what had it: a rename on a disk, else a copy.

    A source that is gone was moved before: to move again is to do nothing.
    """
    filesystem, path = url_to_fs(source)
    _, there = url_to_fs(target)
    if is_local(source):
        Path(there).parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            Path(path).replace(there)
            _sync_folder(Path(there).parent)
        return
    filesystem.invalidate_cache()
    if filesystem.exists(path):
        filesystem.cp_file(path, there)
        filesystem.rm_file(path)


def identity(url: str) -> dict[str, Any]:
    """What changes when a file does, without reading it: its size, and its mtime or etag.

    Returns:
        `url`, `bytes` and `stamp`; the stamp is None where the file system keeps neither.

    Raises:
        FileNotFoundError: the file does not exist.
    """
    filesystem, path = url_to_fs(url)
    if not is_local(url):
        filesystem.invalidate_cache()
    info = filesystem.info(path)
    stamp = info.get("ETag") or info.get("etag") or info.get("mtime") or info.get("LastModified")
    return {"url": url, "bytes": info.get("size"), "stamp": str(stamp) if stamp else None}


def sha256(content: bytes | memoryview) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def sha256_of(url: str) -> str:
    """SHA-256 of a file, of which a disk is read piece by piece; raises as `open_read`."""
    with open_read(url) as stream:
        return hashlib.file_digest(cast(Any, stream), "sha256").hexdigest()


def sha256_while_same(url: str) -> str:
    """The same, of a file that is read again only where its size, mtime or etag has changed."""
    now = identity(url)
    if now["stamp"] is None:
        return sha256_of(url)
    return _sha256_once(url, now["bytes"], now["stamp"])


@lru_cache(maxsize=8)
def _sha256_once(url: str, _size: int, _stamp: str) -> str:
    return sha256_of(url)


def read_json(url: str) -> Any:
    """A JSON document; raises `FileNotFoundError`, or a `ValueError` that names the file."""
    return parse_json(url, read_bytes(url))


def parse_json(url: str, content: bytes) -> Any:
    """The JSON document that a file holds; raises a `ValueError` that names the file."""
    try:
        return json.loads(content)
    except ValueError as error:
        raise ValueError(f"{url} is not JSON: {error}") from error


def write_json(url: str, document: Any) -> None:
    """Write JSON with sorted keys, so that equal documents are equal bytes."""
    write_bytes(url, json_bytes(document))


def json_bytes(document: Any) -> bytes:
    """What `write_json` writes."""
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)
    # The only characters that UTF-8 lacks stand for bytes of names; `\udce9` is JSON for one.
    return (text + "\n").encode("utf-8", "backslashreplace")


def sweep_temporary(url: str) -> list[str]:
    """Delete the temporary files that a killed writer left in a folder, where that is allowed.

    Returns:
        The names of all others, sorted.
    """
    names = list_names(url)
    left = {name for name in names if name.startswith(TEMPORARY_PREFIX)}
    for name in left:
        with if_writable():
            remove(join(url, name))
    return [name for name in names if name not in left]


@contextmanager
def if_writable() -> Iterator[None]:
    """Leave undone what the disk, or who may write there, does not allow: it is not needed."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.EROFS, errno.EACCES, errno.EPERM}:
            raise


def _open_file(path: str) -> BinaryIO:
    """Open a file of a disk; to open a pipe could take for ever, and a device could do anything."""
    mode = Path(path).stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # a folder fails by itself
        raise OSError(errno.EINVAL, "a pipe, socket or device, not a file", printable(path))
    return Path(path).open("rb")


def _local_names(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))  # noqa: PTH208 - for 100,000 names
    except (FileNotFoundError, NotADirectoryError):
        return []


def _local_sizes(path: str) -> dict[str, int]:
    try:
        with os.scandir(path) as entries:
            return {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}
    except (FileNotFoundError, NotADirectoryError):
        return {}


def _own_name(entries: list[Any], path: str) -> set[str]:
    """The folder's own name if a child has it too; a bare folder marker is not a child."""
    folder = path.rstrip("/")
    child = f"{folder}/{posixpath.basename(folder)}"
    return {posixpath.basename(folder)} if child in {str(e).rstrip("/") for e in entries} else set()


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(
        f"{TEMPORARY_PREFIX}{path.name}-{os.getpid()}-{secrets.token_hex(4)}"
    )
    try:
        with temporary.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException as error:
        if isinstance(error, OSError) and error.filename in {None, str(temporary)}:
            error.filename = str(path)  # a full disk names no file
        with suppress(OSError):  # such as that of a disk that is read-only
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    """Make the names in a folder outlive a loss of power."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
