"""Small sources of each kind, as written by the tools that people use."""

import csv
import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image


@dataclass(frozen=True)
class Sample:
    """A pair, with the image's bytes and its address."""

    caption: str
    url: str
    encoded: bytes


def samples(count: int, side: int = 32) -> list[Sample]:
    """Pairs of different one-coloured images."""
    return [
        Sample(f"a square of colour {n}", f"http://site.test/{n}.png", png(n, side))
        for n in range(count)
    ]


def png(colour: int, side: int = 32) -> bytes:
    """An image of one colour."""
    sink = io.BytesIO()
    rgb = (colour * 37 % 256, colour * 91 % 256, colour * 151 % 256)
    Image.new("RGB", (side, side), rgb).save(sink, "PNG")
    return sink.getvalue()


def write_cc3m_tsv(path: Path, pairs: Sequence[Sample]) -> Path:
    """Conceptual Captions: caption, URL, no header."""
    path.write_text("".join(f"{p.caption}\t{p.url}\n" for p in pairs))
    return path


def write_cc12m_tsv(path: Path, pairs: Sequence[Sample]) -> Path:
    """Conceptual 12M: URL, caption, no header."""
    path.write_text("".join(f"{p.url}\t{p.caption}\n" for p in pairs))
    return path


def write_laion_parquet(path: Path, pairs: Sequence[Sample], row_group_size: int = 4) -> Path:
    """LAION-400M: its columns, and more of them than are read."""
    columns = {
        "SAMPLE_ID": list(range(len(pairs))),
        "URL": [p.url for p in pairs],
        "TEXT": [p.caption for p in pairs],
        "HEIGHT": [32] * len(pairs),
        "WIDTH": [32] * len(pairs),
        "LICENSE": ["?"] * len(pairs),
        "NSFW": ["UNLIKELY"] * len(pairs),
        "similarity": [0.3] * len(pairs),
    }
    pq.write_table(pa.table(columns), path, row_group_size=row_group_size)
    return path


def write_coyo_parquet(path: Path, pairs: Sequence[Sample], row_group_size: int = 4) -> Path:
    """COYO-700M: some of its columns."""
    columns = {
        "id": list(range(len(pairs))),
        "url": [p.url for p in pairs],
        "text": [p.caption for p in pairs],
        "width": [32] * len(pairs),
        "height": [32] * len(pairs),
        "image_phash": ["f" * 16] * len(pairs),
        "text_length": [len(p.caption) for p in pairs],
    }
    pq.write_table(pa.table(columns), path, row_group_size=row_group_size)
    return path


def write_json_lines(path: Path, pairs: Sequence[Sample]) -> Path:
    """An object with `url` and `caption` a line."""
    lines = (json.dumps({"url": p.url, "caption": p.caption}) + "\n" for p in pairs)
    path.write_text("".join(lines))
    return path


def write_csv(path: Path, pairs: Sequence[Sample]) -> Path:
    """With a header, and quotes where they are needed."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["url", "caption"])
        writer.writerows((p.url, p.caption) for p in pairs)
    return path


def tar_of(
    members: Sequence[tuple[str, bytes]], tar_format: int = tarfile.USTAR_FORMAT, mode: str = "w"
) -> bytes:
    """A tar of named contents, in order."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode=mode, format=tar_format) as tar:  # type: ignore[call-overload]
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return sink.getvalue()


def write_webdataset_tar(path: Path, pairs: Sequence[Sample]) -> Path:
    """WebDataset: an image and its text under one name; `.tar.gz` by the suffix."""
    members = []
    for number, pair in enumerate(pairs):
        members.append((f"{number:06d}.png", pair.encoded))
        members.append((f"{number:06d}.txt", pair.caption.encode()))
        members.append((f"{number:06d}.cls", b"0"))
    path.write_bytes(tar_of(members, mode="w:gz" if path.name.endswith("gz") else "w"))
    return path


def write_img2dataset_folder(folder: Path, pairs: Sequence[Sample]) -> Path:
    """img2dataset's `files` output: one shard, with its statistics and its table of results."""
    shard = folder / "00000"
    shard.mkdir(parents=True)
    for number, pair in enumerate(pairs):
        stem = f"{number:09d}"
        (shard / f"{stem}.jpg").write_bytes(pair.encoded)
        (shard / f"{stem}.txt").write_text(pair.caption)
        (shard / f"{stem}.json").write_text(json.dumps(_result(stem, pair)))
    _write_logs(folder, pairs)
    return folder


def write_img2dataset_tar(folder: Path, pairs: Sequence[Sample]) -> Path:
    """img2dataset's `webdataset` output: one shard, with its statistics and table of results."""
    folder.mkdir(parents=True, exist_ok=True)
    members = []
    for number, pair in enumerate(pairs):
        stem = f"{number:09d}"
        members.append((f"{stem}.jpg", pair.encoded))
        members.append((f"{stem}.json", json.dumps(_result(stem, pair)).encode()))
        members.append((f"{stem}.txt", pair.caption.encode()))
    (folder / "00000.tar").write_bytes(tar_of(members))
    _write_logs(folder, pairs)
    return folder


def write_image_folder(folder: Path, pairs: Sequence[Sample], captions: str = "txt") -> Path:
    """Images in two folders, captioned by `txt` files or by a table.

    Args:
        folder: to be made.
        pairs: of which the first half goes into `a/`, the rest into `b/`.
        captions: `txt`, or the name of the table in the upper folder.
    """
    rows: list[tuple[str, str]] = []
    for number, pair in enumerate(pairs):
        name = f"{'a' if number < len(pairs) / 2 else 'b'}/{number}.png"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pair.encoded)
        rows.append((name, pair.caption))
        if captions == "txt":
            path.with_suffix(".txt").write_text(pair.caption + "\n")
    if captions != "txt":
        _write_captions(folder / captions, rows)
    return folder


def write_hf_parquet(path: Path, pairs: Sequence[Sample]) -> Path:
    """A data set with an `Image` column, written by `datasets` itself."""
    import datasets

    features = datasets.Features(image=datasets.Image(), text=datasets.Value("string"))
    columns = {
        "image": [{"bytes": p.encoded, "path": None} for p in pairs],
        "text": [p.caption for p in pairs],
    }
    datasets.Dataset.from_dict(columns, features=features).to_parquet(str(path), batch_size=4)
    return path


def _write_captions(path: Path, rows: Sequence[tuple[str, str]]) -> None:
    if path.suffix == ".tsv":
        path.write_text("".join(f"{name}\t{caption}\n" for name, caption in rows))
    elif path.suffix == ".jsonl":
        objects = ({"file_name": name, "text": caption} for name, caption in rows)
        path.write_text("".join(json.dumps(row) + "\n" for row in objects))
    elif path.suffix == ".parquet":
        names, captions = zip(*rows, strict=True)
        pq.write_table(pa.table({"file_name": names, "text": captions}), path)
    else:
        with path.open("w", newline="") as stream:
            csv.writer(stream).writerows([("file_name", "text"), *rows])


def _result(stem: str, pair: Sample) -> dict[str, Any]:
    return {
        "caption": pair.caption,
        "url": pair.url,
        "key": stem,
        "status": "success",
        "error_message": None,
        "width": 32,
        "height": 32,
        "original_width": 32,
        "original_height": 32,
        "exif": "{}",
    }


def _write_logs(folder: Path, pairs: Sequence[Sample]) -> None:
    results = [_result(f"{n:09d}", pair) for n, pair in enumerate(pairs)]
    pq.write_table(pa.Table.from_pylist(results), folder / "00000.parquet")
    (folder / "00000_stats.json").write_text(json.dumps({"count": len(pairs)}))
