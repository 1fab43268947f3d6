import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from dalle_model.sample.grid import MARGIN
from orchestration.drawing.choice import Row
from orchestration.drawing.sheet import write_drawn

IMAGES = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1) + np.zeros((1, 4, 4, 3), np.uint8)
ROWS = [
    Row("world", "a cat", IMAGES, [4, 0, 2], [0.5, 0.25, 0.125]),
    Row("b", "x", IMAGES, [0, 1, 2], []),
]


def opened(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


def test_a_folder_gets_each_image_and_what_it_is(tmp_path: Path) -> None:
    drawn = write_drawn(ROWS, f"{tmp_path}/new/", {"seed": 7})
    folder = tmp_path / "new"
    assert (drawn.sheet, drawn.facts) == (f"{folder}/sheet.png", f"{folder}/samples.json")
    facts = json.loads((folder / "samples.json").read_text())
    assert facts["seed"] == 7
    first, second = facts["rows"]
    assert (first["prior"], first["caption"]) == ("world", "a cat")
    assert first["images"][0] == {"number": 4, "score": 0.5, "file": "000-004.png"}
    assert second["images"][2] == {"number": 2, "file": "001-002.png"}
    for row in facts["rows"]:
        for image, one in zip(IMAGES, row["images"], strict=True):
            np.testing.assert_array_equal(np.asarray(opened(folder / one["file"])), image)
    assert write_drawn(ROWS, str(folder), {}).sheet == f"{folder}/sheet.png"


def test_a_png_has_a_json_beside_it_where_it_is_asked_for(tmp_path: Path) -> None:
    out = str(tmp_path / "out.png")
    assert str(write_drawn(ROWS, out, {})) == f"images   {out}"
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]
    drawn = write_drawn(ROWS, out, {}, writes_json=True, notes=("kept     all",))
    assert str(drawn) == f"kept     all\nimages   {out}\nfacts    {tmp_path}/out.json"
    rows = json.loads((tmp_path / "out.json").read_text())["rows"]
    assert [image["number"] for image in rows[0]["images"]] == [4, 0, 2]


def test_many_images_take_several_lines(tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    many = Row("", "a cat", np.repeat(IMAGES[:1], 40, axis=0), list(range(40)), [])
    write_drawn([many], str(out), {})
    assert opened(out).width == MARGIN + 16 * (128 + MARGIN)
    write_drawn([many], str(out), {}, (IMAGES[0], "given"))
    assert opened(out).height > 3 * 128
