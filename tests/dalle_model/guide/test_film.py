import io
import shutil
import stat
import sys

import numpy as np
import pytest
from PIL import Image, ImageSequence

from dalle_model.guide.film import FRAME_MS, LAST_MS, FilmError, check_film, film

FRAMES = [np.full((6, 8, 3), 20 * number, np.uint8) for number in range(5)]


@pytest.mark.parametrize("name", ["x.gif", "x.WEBP"])
def test_a_film_has_a_frame_of_each_picture(name):
    with Image.open(io.BytesIO(film(FRAMES, name))) as found:
        seen = [
            (np.asarray(one.convert("RGB")), one.info["duration"])
            for one in ImageSequence.Iterator(found)
        ]
    pictures, durations = zip(*seen, strict=True)
    assert np.array_equal(pictures, FRAMES)
    assert list(durations) == [FRAME_MS] * 4 + [LAST_MS]


def test_one_picture_is_a_film():
    with Image.open(io.BytesIO(film(FRAMES[:1], "x.gif"))) as found:
        assert np.array_equal(np.asarray(found.convert("RGB")), FRAMES[0])


def test_an_unknown_ending_and_a_missing_program_are_told_before_any_work(monkeypatch):
    with pytest.raises(FilmError, match=r"x\.avi: a film is a \.gif, a \.webp or an \.mp4"):
        check_film("x.avi")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(FilmError, match="run `pip install imageio-ffmpeg`"):
        check_film("x.mp4")


@pytest.fixture
def ffmpeg(tmp_path, monkeypatch):
    """A program in its place, which writes what it was given to the file that it shall write."""
    program = tmp_path / "ffmpeg"
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def write(script):
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    return write


def test_frames_are_piped_to_ffmpeg(ffmpeg):
    ffmpeg('echo "$@" | head -c 400 > /dev/null; for last; do :; done; cat > "$last"')
    written = film(FRAMES, "x.mp4")
    shown = np.frombuffer(written, np.uint8).reshape(-1, 6, 8, 3)
    assert np.array_equal(shown[:5], FRAMES)
    assert len(shown) == 5 + LAST_MS // FRAME_MS - 1
    assert (shown[4:] == FRAMES[-1]).all()


def test_what_ffmpeg_complains_of_is_passed_on(ffmpeg):
    ffmpeg("cat > /dev/null; echo no codec >&2; exit 1")
    with pytest.raises(FilmError, match="ffmpeg has failed: no codec; name a"):
        film(FRAMES, "x.mp4")
