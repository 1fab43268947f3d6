import json

import pytest

from orchestration.human_study.captioned import by_caption
from orchestration.human_study.study import StudyError
from pipelines.image_sets.listing import ImageSetError


def touch(folder, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def names(folder, captions: str = "") -> dict[str, str]:
    found = by_caption(str(folder), captions)
    return {caption: image.name for caption, image in found.items()}


def test_captions_lie_beside_images_and_the_first_image_of_each_counts(tmp_path):
    touch(tmp_path, "b.png", "a.JPG", "sub/c.webp", "d.png", "readme.md")
    (tmp_path / "a.txt").write_text("a  red apple\nanother caption")
    (tmp_path / "b.txt").write_text("a red apple ")
    (tmp_path / "sub/c.txt").write_text("a pear")
    assert names(tmp_path) == {"a red apple": "a.JPG", "a pear": "sub/c.webp"}


@pytest.mark.parametrize("table", ["captions.jsonl", "captions.csv", "metadata.csv"])
def test_a_table_in_the_folder_has_them(tmp_path, table):
    touch(tmp_path, "1.png", "sub/2.png", "3.png")
    file = "file_name" if table.startswith("metadata") else "file"
    rows = [("1.png", 'a "big", red apple'), ("sub/2.png", "a pear")]
    lines = [json.dumps({file: name, "caption": text}) for name, text in rows]
    if table.endswith(".csv"):
        lines = [f"{file},caption", '1.png,"a ""big"", red apple"', "sub/2.png,a pear"]
    (tmp_path / table).write_text("\n".join(lines))
    assert names(tmp_path) == {'a "big", red apple': "1.png", "a pear": "sub/2.png"}


def test_one_table_serves_folders_of_different_formats(tmp_path):
    touch(tmp_path, "a/1.2.png", "a/1.3.png", "b/1.2.jpg")
    table = tmp_path / "both.jsonl"
    table.write_text('{"file": "1.2", "caption": "x"}\n{"file": "1.3.png", "caption": "y"}\n')
    assert names(tmp_path / "a", str(table)) == {"x": "1.2.png", "y": "1.3.png"}
    assert names(tmp_path / "b", str(table)) == {"x": "1.2.jpg"}


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(ImageSetError, match="nothing is there; correct the path"):
        by_caption(str(tmp_path / "none"))
    touch(tmp_path, "1.png")
    with pytest.raises(StudyError, match="none of 1 images has a caption; write a"):
        by_caption(str(tmp_path))
    with pytest.raises(StudyError, match="no table of captions can be read from it"):
        by_caption(str(tmp_path), str(tmp_path / "none.csv"))
    for text in ("[1]\n", "{\n"):
        (tmp_path / "t.jsonl").write_text(text)
        with pytest.raises(StudyError, match="no table of captions can be read from it"):
            by_caption(str(tmp_path), str(tmp_path / "t.jsonl"))
    (tmp_path / "t.csv").write_text("image,caption\n1.png,x\n")
    with pytest.raises(StudyError, match=r"row 1 has no column `file`; it has \['caption', 'image"):
        by_caption(str(tmp_path), str(tmp_path / "t.csv"))
