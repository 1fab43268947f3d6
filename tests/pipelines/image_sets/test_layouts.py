"""A set is read by the layout that its files show."""

import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dalle_model.pixels import to_png
from pipelines.image_sets.config import ImageSet
from pipelines.image_sets.layouts import images_of, open_set
from pipelines.image_sets.listing import ImageSetError
from tests.support.image_rows import noise

PNG = to_png(noise(1))


def read(path: Path, **settings: str) -> dict[str, list[str]]:
    """The captions of a set by the names of its images."""
    found = list(images_of(ImageSet(path=str(path), name="a", **settings)))
    assert all(reference.read() == PNG for reference in found)
    return {reference.name: reference.captions for reference in found}


def write(root: Path, contents: Mapping[str, str | bytes]) -> None:
    for name, content in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def coco(*captions: tuple[int, str]) -> str:
    return json.dumps(
        {
            "images": [{"id": n, "file_name": f"{n}.png"} for n in (1, 2, 3)],
            "annotations": [{"image_id": n, "caption": text} for n, text in captions],
        }
    )


def test_captions_beside_images_are_their_lines(tmp_path: Path) -> None:
    write(tmp_path, {"b/1.png": PNG, "b/1.txt": "one\n\n two \n"})
    write(tmp_path, {"2.png": PNG, "2.caption": "three", "notes.md": "no image"})
    write(tmp_path, {"3.PNG": PNG, ".hidden.png": PNG})
    assert read(tmp_path) == {"2.png": ["three"], "3.PNG": [], "b/1.png": ["one", "two"]}


def test_coco_has_the_images_of_its_annotations_that_are_there(tmp_path: Path) -> None:
    write(tmp_path, {"val/1.png": PNG, "val/2.png": PNG, "train/9.png": PNG})
    captions = coco((1, "a"), (1, "b"), (3, "of no image"))
    write(tmp_path, {"annotations/captions_val.json": captions})
    write(tmp_path, {"annotations/instances_val.json": "{}"})
    assert read(tmp_path) == {"val/1.png": ["a", "b"], "val/2.png": []}


def test_coco_tells_which_images_are_absent(tmp_path: Path) -> None:
    write(tmp_path, {"val/1.png": PNG, "val/2.png": PNG})
    write(tmp_path, {"captions_val2014.json": coco((1, "a"))})
    opened = open_set(ImageSet(path=str(tmp_path), name="a"))
    assert (opened.layout, opened.absent) == ("coco", ["3.png"])
    assert [image.name for image in opened.images] == ["val/1.png", "val/2.png"]


def test_what_dalle_sample_has_drawn_is_called_by_caption_and_number(tmp_path: Path) -> None:
    images = [
        {"file": "000-000.png", "number": 7, "score": 0.9},
        {"file": "000-001.png", "number": 2},
    ]
    rows = [{"caption": "a", "images": images}, {"caption": "b", "images": []}]
    drawn = json.dumps({"rows": rows})
    write(
        tmp_path, {"000-000.png": PNG, "000-001.png": PNG, "sheet.png": b"", "samples.json": drawn}
    )
    assert read(tmp_path) == {"000_007": ["a"], "000_002": ["a"]}
    (tmp_path / "000-001.png").unlink()
    with pytest.raises(ImageSetError, match=r"000-001\.png is not there"):
        read(tmp_path)


def test_one_of_several_annotations_can_be_named(tmp_path: Path) -> None:
    write(tmp_path, {"1.png": PNG, "2.png": PNG})
    write(tmp_path, {"annotations/captions_a.json": coco((1, "a"))})
    write(tmp_path, {"annotations/captions_b.json": coco((1, "b"))})
    assert read(tmp_path)["1.png"] == ["a", "b"]
    assert read(tmp_path, captions="annotations/captions_b.json")["1.png"] == ["b"]


def test_cub_has_ten_captions_in_a_tree_of_its_own(tmp_path: Path) -> None:
    lines = [f"bird {number}" for number in range(10)]
    write(tmp_path, {"images/001.Auk/a.png": PNG, "images/002.Jay/b.png": PNG})
    write(tmp_path, {"text/001.Auk/a.txt": "\n".join(lines), "attributes/x.png": PNG})
    assert read(tmp_path) == {"images/001.Auk/a.png": lines, "images/002.Jay/b.png": []}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metadata.jsonl", '{"file_name": "1.png", "caption": "a"}\n\n'),
        ("metadata.csv", "file_name,caption\n1.png,a\n"),
        ("captions.csv", "file,caption\n1.png,a\n"),
    ],
)
def test_a_table_names_images_and_captions(tmp_path: Path, name: str, content: str) -> None:
    write(tmp_path, {"1.png": PNG, "2.png": PNG, name: content})
    assert read(tmp_path) == {"1.png": ["a"], "2.png": []}


def test_parquet_holds_images_as_bytes_or_as_datasets_writes_them(tmp_path: Path) -> None:
    plain = pa.table({"image": [PNG, PNG], "caption": ["a", "b"]})
    pq.write_table(plain, tmp_path / "1.parquet")
    assert read(tmp_path / "1.parquet") == {"0": ["a"], "1": ["b"]}
    images = [{"bytes": PNG, "path": "x.png"}]
    pq.write_table(pa.table({"img": images, "texts": [["a", "b"]]}), tmp_path / "2.parquet")
    one = tmp_path / "2.parquet"
    assert read(one, image_column="img", caption_column="texts") == {"0": ["a", "b"]}
    with pytest.raises(ImageSetError, match=r"2\.parquet cannot be read: no column 'caption'"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("contents", "why"),
    [
        ({}, "nothing is there; correct the path"),
        ({"notes.md": "x"}, "holds no image and no Parquet"),
        ({"1.png": PNG, "annotations/captions_a.json": "{"}, "captions_a.json cannot be read"),
        ({"1.png": PNG, "annotations/captions_a.json": "{}"}, "no captions as COCO has them"),
        ({"8.png": PNG, "annotations/captions_a.json": coco()}, "none of the images"),
        ({"1.png": PNG, "metadata.jsonl": "{}"}, "it needs 'file_name' and 'caption'"),
        ({"1.png": PNG, "metadata.jsonl": "["}, "metadata.jsonl cannot be read"),
        ({"1.png": PNG, "samples.json": "[]"}, "not as `dalle sample` writes it"),
        ({"1.png": PNG, "metadata.csv": "a,b\n1\n"}, "metadata.csv cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named(
    tmp_path: Path, contents: dict[str, str | bytes], why: str
) -> None:
    write(tmp_path, contents)
    with pytest.raises(ImageSetError, match=f"the set a: .*{why}"):
        read(tmp_path)


def test_a_row_without_bytes_is_an_image_that_cannot_be_read(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"image": [None, b"x"], "caption": ["a", None]}), tmp_path / "p.parquet"
    )
    one, other = images_of(ImageSet(path=f"{tmp_path}/p.parquet", name="a"))
    assert other.captions == []
    with pytest.raises(OSError, match="no bytes"):
        one.read()
