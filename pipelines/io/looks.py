"""The perceptual hashes of untrusted bytes, from a process that can do nothing but decode.

It has a limit of memory, can write no file, and can open neither file nor socket. One that crashes,
hangs or runs out of memory costs the image that it was at, and is replaced.
"""

import atexit
import io
import json
import os
import resource
import select
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")  # those that the images stage may decode
MAX_PIXELS = 100_000_000  # chosen: twice the default of the images stage; 0.3 GB as RGB
MAX_MEMORY = 2 << 30  # bytes; chosen: that, its grey copy, and what the libraries map
DEADLINE_S = 20.0  # chosen: 40 times what an image of `MAX_PIXELS` takes
SKETCH_EDGE = 256  # JPEGs are decoded no larger; chosen: 8 times the edge that is hashed

_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True)
class Unseen:
    """Bytes whose look cannot be told, and why."""

    why: str


def looks_of(encoded: bytes) -> tuple[int, ...] | Unseen:
    """The 64-bit perceptual hashes of an image, as imagehash would make them.

    There are several where an image has several looks: as stored and upright, with transparency
    ignored and on white.
    """
    return _PROCESS.ask(encoded)


class _Process:
    """The one decoding process of this process, started when it is first asked."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def ask(self, encoded: bytes) -> tuple[int, ...] | Unseen:
        with self._lock:
            try:
                answer = self._answer(encoded)
            except (OSError, EOFError, TimeoutError) as error:
                self.end()
                return Unseen(f"the decoder has {'hung' if _is_late(error) else 'crashed'}")
        return Unseen(answer) if isinstance(answer, str) else tuple(answer)

    def end(self) -> None:
        """End the process; the next question starts another one."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.communicate()

    def _answer(self, encoded: bytes) -> Any:
        child = self._child = self._child or _start()
        stdin, stdout = cast(BinaryIO, child.stdin), cast(BinaryIO, child.stdout)
        stdin.write(_LENGTH.pack(len(encoded)))
        stdin.write(encoded)
        stdin.flush()
        if not select.select([stdout], [], [], DEADLINE_S)[0]:
            raise TimeoutError
        return json.loads(_read(stdout, _LENGTH.unpack(_read(stdout, _LENGTH.size))[0]))


def _is_late(error: Exception) -> bool:
    return isinstance(error, TimeoutError)


def _start() -> "subprocess.Popen[bytes]":
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )


def _read(stream: BinaryIO, size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return content


_PROCESS = _Process()
atexit.register(_PROCESS.end)


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the questions end, as they do when who asks has ended."""
    while head := questions.read(_LENGTH.size):
        answer = json.dumps(_look(_read(questions, _LENGTH.unpack(head)[0]))).encode()
        answers.write(_LENGTH.pack(len(answer)) + answer)
        answers.flush()


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
    """Keep memory, and the two pipes that are open; all that decoding needs is loaded before."""
    from PIL import Image, ImageFile

    Image.MAX_IMAGE_PIXELS = None  # checked here
    ImageFile.LOAD_TRUNCATED_IMAGES = True  # half an image can be on a list
    for kind in FORMATS:
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8)).save(buffer, kind)
        _look(buffer.getvalue())
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):
        resource.setrlimit(limit, (0, 0))


if __name__ == "__main__":
    _give_up_rights()
    serve(sys.stdin.buffer, sys.stdout.buffer)
