"""The captions that models are to draw images for."""

import csv
from pathlib import Path

from orchestration.evaluation.captions import caption_pairs, drawn, write_captions
from orchestration.evaluation.sets import Picture, PictureSet
from pipelines.image_sets.layouts import SetImage
from tests.support.image_folders import write_coco


def test_of_coco_so_many_captions_are_drawn_by_the_seed(tmp_path: Path) -> None:
    coco = str(write_coco(tmp_path / "coco", range(1, 11)))
    for seed, name in [(0, "one"), (0, "same"), (1, "other")]:
        found = write_captions(coco, f"{tmp_path}/{name}.csv", 7, seed, "")
        assert (found.number, found.total) == (7, 20)
    one, same, other = ((tmp_path / f"{n}.csv").read_text() for n in ("one", "same", "other"))
    assert one == same != other
    rows = list(csv.DictReader(one.splitlines()))
    assert [row["file_name"] for row in rows] == [f"{place:06d}.png" for place in range(7)]
    for row in rows:
        number = int(row["caption"].rsplit(" ", 1)[1])
        assert row["reference"] == f"val2014/COCO_val2014_{number:012d}.png"


def test_all_are_taken_where_there_are_no_more() -> None:
    assert drawn(3, 5, 0) == [0, 1, 2]
    assert len(set(drawn(100, 40, 0))) == 40


def test_of_cub_each_caption_counts_once() -> None:
    images = [SetImage("a", ["x", "y", "x"], bytes), SetImage("b", ["y", "z"], bytes)]
    pictures = tuple(Picture(image) for image in images)
    birds, others = (PictureSet("s", "s", layout, pictures) for layout in ("cub", "coco"))
    assert caption_pairs(birds) == [("x", "a"), ("y", "a"), ("z", "b")]
    assert len(caption_pairs(others)) == 5
