"""Folders of samples and of references, as they are found."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dalle_model.pixels import to_png
from orchestration.evaluation.sets import (
    PictureSet,
    SamplesError,
    names_in,
    read_reference,
    read_samples,
)
from pipelines.io.layout import RunFolder
from tests.support.finished_run import write_run
from tests.support.image_folders import picture, write_coco, write_images


def one(path: Path, reference: PictureSet | None = None) -> PictureSet:
    return read_samples([str(path)], reference)[0]


def groups(found: PictureSet) -> dict[str, tuple[str, int]]:
    return {picture.image.name: (picture.group, picture.number) for picture in found.pictures}


def test_images_of_one_caption_are_a_group(tmp_path: Path) -> None:
    write_images(tmp_path, {"7_0": "a bird", "7_10": "a bird", "8_0": "a cat"})
    assert groups(one(tmp_path)) == {
        "7_0.png": ("7", 0),
        "7_10.png": ("7", 10),
        "8_0.png": ("8", 0),
    }


def test_numbers_of_several_captions_are_no_group(tmp_path: Path) -> None:
    write_images(tmp_path, {"val_0": "a bird", "val_1": "a cat"})
    assert groups(one(tmp_path)) == {"val_0.png": ("val_0.png", 0), "val_1.png": ("val_1.png", 0)}


def test_captions_are_beside_images_or_in_a_table(tmp_path: Path) -> None:
    write_images(tmp_path / "texts", {"1": "a bird"})
    write_images(tmp_path / "lines", {"1": ""})
    (tmp_path / "lines/captions.jsonl").write_text('{"file": "1.png", "caption": "a bird"}\n')
    for folder in ("texts", "lines"):
        assert [found.caption for found in one(tmp_path / folder).pictures] == ["a bird"]


@pytest.mark.parametrize(
    "name", ["COCO_val2014_000000000042", "COCO_val2014_000000000042_s-1", "42", "42_3", "000042"]
)
def test_names_as_other_models_give_them_lead_to_coco(tmp_path: Path, name: str) -> None:
    reference = read_reference(str(write_coco(tmp_path / "coco", [42, 137])))
    (found,) = one(write_images(tmp_path / "s", {name: ""}), reference).pictures
    assert found.of == "val2014/COCO_val2014_000000000042.png"
    assert found.caption == "a view of 42"


def test_a_caption_leads_to_its_reference_where_the_name_does_not(tmp_path: Path) -> None:
    reference = read_reference(str(write_images(tmp_path / "r", {"x": "a bird", "y": "a cat"})))
    write_images(tmp_path / "s", {"000": "a cat", "x": "a dog", "y_1": ""})
    found = {picture.image.name: picture.of for picture in one(tmp_path / "s", reference).pictures}
    assert found == {"000.png": "y.png", "x.png": "", "y_1.png": "y.png"}


def test_images_that_coco_lacks_are_told(tmp_path: Path) -> None:
    found = read_reference(str(write_coco(tmp_path, [1, 2], absent=[3])))
    assert (found.layout, len(found.pictures)) == ("coco", 2)
    assert found.absent == ("COCO_val2014_000000000003.png",)


def test_cub_is_its_test_split(tmp_path: Path) -> None:
    write_images(tmp_path / "images/001.Auk", {"a": "", "b": ""})
    (tmp_path / "text/001.Auk").mkdir(parents=True)
    (tmp_path / "text/001.Auk/a.txt").write_text("\n".join(f"bird {n}" for n in range(10)))
    (tmp_path / "images.txt").write_text("1 001.Auk/a.png\n2 001.Auk/b.png\n")
    (tmp_path / "train_test_split.txt").write_text("1 0\n2 1\n")
    found = read_reference(str(tmp_path))
    assert [(p.image.name, len(p.image.captions)) for p in found.pictures] == [
        ("images/001.Auk/a.png", 10)
    ]


def test_of_a_run_the_table_of_samples_is_read(tmp_path: Path) -> None:
    root = write_run(tmp_path / "run", [])
    with pytest.raises(SamplesError, match="is a run without samples; a config with a section"):
        one(root)
    url = Path(RunFolder(str(root)).config)
    config = json.loads(url.read_text())
    config |= {"samples": {}, "crawl": {"sources": [{"path": "pairs.tsv"}]}}
    url.write_text(json.dumps(config))
    table = pa.table({"caption": ["a bird"], "sample": [to_png(picture(1))]})
    (root / "samples").mkdir()
    pq.write_table(table, root / "samples/samples.parquet")
    (found,) = one(root).pictures
    assert (found.caption, found.image.read()) == ("a bird", to_png(picture(1)))


def test_two_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    paths = [str(write_images(tmp_path / name / "s", {"1": "a"})) for name in ("x", "y")]
    assert [found.name for found in read_samples(paths)] == paths


def test_a_list_has_comments_and_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("# of a run\na.png\n\n b.png\n")
    assert names_in(str(tmp_path / "list.txt")) == ["a.png", "b.png"]
    with pytest.raises(SamplesError, match="no list can be read there"):
        names_in(str(tmp_path / "gone.txt"))
