"""The perceptual hashes of untrusted bytes, from a process that can do nothing but decode.

One that crashes, hangs or runs out of memory costs the image that it was at, and is replaced. It
has read strangers' bytes, so of its answers nothing is taken but numbers and a short text.
"""

import atexit
import io
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.io.lockdown import end_with_parent, lock_down

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")  # those that the images stage may decode
MAX_PIXELS = 100_000_000  # chosen: twice the default of the images stage; 0.3 GB as RGB
MAX_MEMORY = 2 << 30  # bytes besides what it starts with; chosen: that, and copies in grey and RGBA
DEADLINE_S = 20.0  # chosen: 40 times what an image of `MAX_PIXELS` takes
SKETCH_EDGE = 256  # JPEGs are decoded no larger; chosen: 8 times the edge that is hashed

_QUESTION = struct.Struct("<Q")  # bytes of the file
_ANSWER = struct.Struct("<BB")  # how many hashes follow, then bytes of why there are none
_HASH = struct.Struct("<Q")
_MAX_LOOKS, _MAX_WHY = 3, 255  # as `_looks` has them; what a byte can count


@dataclass(frozen=True)
class Unseen:
    """Bytes whose look cannot be told, and why."""

    why: str


Looks = tuple[int, ...] | Unseen


def looks_of(encoded: bytes) -> Looks:
    """The 64-bit perceptual hashes of an image, as imagehash would make them.

    There are several where an image has several looks: as stored and upright, with transparency
    ignored and on white.
    """
    return _PROCESS.ask(encoded)


class _Process:
    """The one decoding process of this process, started when it is first asked."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._lock = threading.Lock()

    def ask(self, encoded: bytes) -> Looks:
        with self._lock:
            if self._line is None:
                self._child, self._line = _start()
            try:
                return _answered(self._line, encoded, time.monotonic() + DEADLINE_S)
            except (OSError, EOFError) as error:
                self.end()
                what = "hung" if isinstance(error, TimeoutError) else "crashed"
                return Unseen(f"the decoder has {what}")

    def end(self) -> None:
        """End the process; the next question starts another one."""
        child, self._child, line, self._line = self._child, None, self._line, None
        if line is not None:
            line.close()
        if child is not None:
            child.kill()
            child.wait()


def _start() -> tuple["subprocess.Popen[bytes]", socket.socket]:
    ours, theirs = socket.socketpair()
    with theirs:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "pipelines.io.looks", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is this process's to hear
        )
    return child, ours


def _answered(line: socket.socket, encoded: bytes, deadline: float) -> Looks:
    def receive(size: int) -> bytes:
        line.settimeout(_left(deadline))
        return line.recv(size)

    line.settimeout(_left(deadline))
    line.sendall(_QUESTION.pack(len(encoded)) + encoded)
    count, size = _ANSWER.unpack(_read(receive, _ANSWER.size))
    if count > _MAX_LOOKS or bool(count) == bool(size):
        raise EOFError("no answer that it gives")
    if size:
        return Unseen(_read(receive, size).decode("utf-8", "replace"))
    hashes = _read(receive, count * _HASH.size)
    return tuple(number for (number,) in _HASH.iter_unpack(hashes))


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _read(receive: Callable[[int], bytes], size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        received = receive(size - len(content))
        if not received:
            raise EOFError
        content += received
    return bytes(content)


_PROCESS = _Process()
atexit.register(_PROCESS.end)


def serve(line: socket.socket) -> None:
    """Answer until the line ends, as it does when who asks has ended."""
    while True:
        try:
            (size,) = _QUESTION.unpack(_read(line.recv, _QUESTION.size))
        except EOFError:
            return
        line.sendall(_packed(_look(_read(line.recv, size))))


def _packed(looks: list[int] | str) -> bytes:
    if isinstance(looks, str):
        why = looks.encode()[:_MAX_WHY]
        return _ANSWER.pack(0, len(why)) + why
    return _ANSWER.pack(len(looks), 0) + b"".join(map(_HASH.pack, looks))


def _look(encoded: bytes) -> list[int] | str:
    from PIL import Image

    from pipelines.io.perceptual import imagehash_phash

    try:
        with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                return f"{image.width}x{image.height}: too many pixels"
            image.draft(None, (SKETCH_EDGE, SKETCH_EDGE))
            return sorted({imagehash_phash(look) for look in _looks(image)})
    except Exception as error:  # noqa: BLE001 - hostile bytes make decoders raise almost anything
        return f"not decoded: {type(error).__name__}"


def _looks(image: Any) -> Iterator[Any]:
    from PIL import Image, ImageOps

    yield image
    if image.getexif().get(0x0112, 1) != 1:  # Orientation
        yield ImageOps.exif_transpose(image)
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        colours = image.convert("RGBA")
        yield Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours)


def _give_up_rights() -> None:
    """Keep memory, time and the line that is open; all that decoding needs is loaded before."""
    from PIL import Image, ImageFile

    end_with_parent()
    Image.MAX_IMAGE_PIXELS = None  # checked here
    ImageFile.LOAD_TRUNCATED_IMAGES = True  # half an image can be on a list
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in FORMATS:
        for mode in ("RGB", "RGBA"):
            buffer = io.BytesIO()
            image = Image.new("RGB" if kind == "JPEG" else mode, (8, 8))
            image.save(buffer, kind, exif=exif)
            _look(buffer.getvalue())
    _look(b"")
    lock_down(MAX_MEMORY)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as to_asker:
        _give_up_rights()
        serve(to_asker)
