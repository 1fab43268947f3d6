"""All access to run data: every path is an fsspec URL, and every write is atomic."""

import hashlib
import io
import json
import os
import posixpath
import secrets
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any, BinaryIO, cast

from fsspec import available_protocols
from fsspec.core import url_to_fs as _url_to_fs

from dalle_model.errors import UsageError

TEMPORARY_PREFIX = ".tmp-"


class UnknownProtocolError(UsageError):
    """A URL begins with a protocol that no file system has."""


def url_to_fs(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it.

    Raises:
        UnknownProtocolError: there is no such file system.
        ImportError: its library is not installed.
    """
    try:
        return cast(tuple[Any, str], _url_to_fs(url))
    except ValueError as error:
        protocol, is_url, _ = url.partition("://")
        if not is_url or protocol in available_protocols():
            raise
        near = get_close_matches(protocol, available_protocols(), n=1)
        meant = f"did you mean `{near[0]}://`?" if near else "correct the URL"
        raise UnknownProtocolError(
            f"{url[:200]}: no file system `{protocol[:40]}`; {meant}"
        ) from error


def join(url: str, *parts: str) -> str:
    """Append path parts to a URL or a plain path."""
    return posixpath.join(url, *parts)


def is_local(url: str) -> bool:
    """Whether the URL names a file on this machine's disks."""
    return "://" not in url or url.startswith("file://")


def open_read(url: str) -> BinaryIO:
    """Open a file for binary reading; raises `FileNotFoundError` if it does not exist.

    An object in a store is fetched whole, in one request: shards are read whole anyway, and some
    servers answer a range request with the checksum of the whole object.
    """
    if is_local(url):
        return Path(url.removeprefix("file://")).open("rb")
    return io.BytesIO(read_bytes(url))


def read_bytes(url: str) -> bytes:
    """The whole content; raises `FileNotFoundError` if there is none."""
    filesystem, path = url_to_fs(url)
    if not is_local(url):
        filesystem.invalidate_cache()  # another process may have just written it
    return cast(bytes, filesystem.cat_file(path))


def write_bytes(url: str, content: bytes) -> None:
    """Write atomically: a reader sees the old state or the whole new content, even after a crash.

    On a disk: temporary name, fsync, rename. In an object store: one PUT.
    """
    filesystem, path = url_to_fs(url)
    if is_local(url):
        _replace(Path(path), content)
        return
    filesystem.pipe_file(path, content)


def exists(url: str) -> bool:
    """Whether a file or folder exists."""
    filesystem, path = url_to_fs(url)
    if not is_local(url):
        filesystem.invalidate_cache()
    return bool(filesystem.exists(path))


def list_names(url: str) -> list[str]:
    """Names directly under a folder, sorted; empty if there is no such folder."""
    filesystem, path = url_to_fs(url)
    if not is_local(url):
        filesystem.invalidate_cache()
    try:
        entries = filesystem.ls(path, detail=False)
    except FileNotFoundError:
        return []
    names = {posixpath.basename(str(entry).rstrip("/")) for entry in entries}
    return sorted(names - {"", posixpath.basename(path.rstrip("/"))} | _own_name(entries, path))


def remove(url: str) -> None:
    """Delete a file or a whole folder, if it exists."""
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


def sha256(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def read_json(url: str) -> Any:
    """A JSON document; raises `FileNotFoundError`, or a `ValueError` that names the file."""
    content = read_bytes(url)
    try:
        return json.loads(content)
    except ValueError as error:
        raise ValueError(f"{url} is not JSON: {error}") from error


def write_json(url: str, document: Any) -> None:
    """Write JSON with sorted keys, so that equal documents are equal bytes."""
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)
    write_bytes(url, (text + "\n").encode())


def sweep_temporary(url: str) -> None:
    """Delete the temporary files that a killed writer left in a folder."""
    for name in list_names(url):
        if name.startswith(TEMPORARY_PREFIX):
            remove(join(url, name))


def _own_name(entries: list[Any], path: str) -> set[str]:
    """The folder's own name if a child has it too; a bare folder marker is not a child."""
    folder = path.rstrip("/")
    child = f"{folder}/{posixpath.basename(folder)}"
    return {posixpath.basename(folder)} if child in {str(e).rstrip("/") for e in entries} else set()


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(
        f"{TEMPORARY_PREFIX}{path.name}-{os.getpid()}-{secrets.token_hex(4)}"
    )
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
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
