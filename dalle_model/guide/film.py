"""The way of a picture as a film: GIF and WebP by Pillow, MP4 by ffmpeg where it is installed."""

import io
import posixpath
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from dalle_model.errors import UsageError
from dalle_model.pixels import Rgb

FRAME_MS = 100  # chosen: twenty steps of ten take two seconds
LAST_MS = 1500  # chosen: long enough to look at the last one
FORMATS = (".gif", ".webp", ".mp4")


class FilmError(UsageError):
    """A film cannot be made: its name has no known ending, or ffmpeg is not there."""


def check_film(url: str) -> None:
    """Raise FilmError where a film cannot be made under a name, before there are frames."""
    kind = _kind(url)
    if kind not in FORMATS:
        raise FilmError(f"{url}: a film is a .gif, a .webp or an .mp4; give one of these endings")
    if kind == ".mp4":
        _ffmpeg(url)


def film(frames: Sequence[Rgb], url: str) -> bytes:
    """A film of pictures, ten a second; the last one stays.

    A GIF has 256 colours a frame, WebP is without loss. Pillow makes one frame of equal ones that
    follow each other, which lasts as long as they would.

    Args:
        frames: uint8 `(height, width, 3)` each, all of one shape; at least one.
        url: by whose ending the format is chosen.

    Raises:
        FilmError: as `check_film`, or ffmpeg has failed.
    """
    check_film(url)
    if _kind(url) == ".mp4":
        return _mp4(frames, url)
    first, *rest = (Image.fromarray(frame) for frame in frames)
    durations = [FRAME_MS] * len(rest) + [LAST_MS]
    written = io.BytesIO()
    first.save(
        written,
        _kind(url)[1:].upper(),
        save_all=True,
        append_images=rest,
        duration=durations if rest else LAST_MS,
        loop=0,
        lossless=True,
    )
    return written.getvalue()


def _kind(url: str) -> str:
    return posixpath.splitext(url)[1].lower()


def _ffmpeg(url: str) -> str:
    """Path of the program: that of the system, or that of the package `imageio-ffmpeg`."""
    if found := shutil.which("ffmpeg"):
        return found
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return str(get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:  # the latter where its wheel has no program
        raise FilmError(
            f"{url}: ffmpeg makes MP4 films, and is not installed; run `pip install "
            "imageio-ffmpeg`, or name a .webp or a .gif"
        ) from error


def _mp4(frames: Sequence[Rgb], url: str) -> bytes:
    """H.264 as browsers play it, whose edges are even: an odd one loses its last pixels."""
    height, width, _ = frames[0].shape
    held = [*frames, *[frames[-1]] * (LAST_MS // FRAME_MS - 1)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "film.mp4")
        given = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
        rate = ["-r", str(1000 // FRAME_MS), "-i", "-"]
        even = ["-vf", "crop=trunc(iw/2)*2:trunc(ih/2)*2", "-pix_fmt", "yuv420p"]
        command = [_ffmpeg(url), "-loglevel", "error", *given, *rate, *even, str(path)]
        done = subprocess.run(
            command,
            input=b"".join(frame.tobytes() for frame in held),
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise FilmError(
                f"{url}: ffmpeg has failed: {done.stderr.decode(errors='replace')[-300:].strip()}; "
                "name a .webp or a .gif"
            )
        return path.read_bytes()
