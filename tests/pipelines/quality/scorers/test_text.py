import sys

import numpy as np
import pytest

from pipelines.quality.scorers.text import prepared, share_covered
from pipelines.quality.weights import ScorerError
from tests.pipelines.quality.samples import loaded, portrait, stored, texture, written


def test_a_line_of_text_is_found_with_its_area():
    rgb = written()
    drawn = (rgb != texture()).any(axis=2)
    rows, columns = np.nonzero(drawn)
    box = np.ptp(rows) * np.ptp(columns) / drawn.size
    found = loaded("text")(stored(rgb))
    assert found["text_boxes"] in (1, 2)  # a wide space may part it
    assert 0.6 * box < found["text_area"] < 1.8 * box


@pytest.mark.parametrize("rgb", [portrait(), texture()], ids=["portrait", "texture"])
def test_there_is_none_where_nothing_is_written(rgb):
    assert loaded("text")(stored(rgb)) == {"text_boxes": 0, "text_area": 0}


def test_the_network_is_given_bgr_between_minus_one_and_one():
    red = np.zeros((64, 128, 3), np.uint8)
    red[..., 0] = 255
    found = prepared(red, 320)
    assert found.shape == (1, 3, 320, 640)
    assert found.dtype == np.float32
    assert found[0, :, 5, 5].tolist() == [-1, -1, 1]


@pytest.mark.parametrize(
    ("size", "expected"),
    [((256, 256), (320, 320)), ((10, 20_000), (32, 1984)), ((1, 1), (320, 320))],
)
def test_edges_are_multiples_that_memory_holds(size, expected):
    found = prepared(np.zeros((*size, 3), np.uint8), 320).shape[2:]
    assert found == expected or found == (32, 2016)


def test_what_two_boxes_share_is_covered_once():
    box = np.array([[0, 0], [9, 0], [9, 9], [0, 9]])
    assert share_covered(np.stack([box, np.add(box, (5, 0))]), 20, 20) == 150 / 400
    assert share_covered(np.empty((0, 4, 2), np.int32), 20, 20) == 0


def test_a_library_that_is_missing_is_told_with_the_extra(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("rapidocr_onnxruntime")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rapidocr_onnxruntime", None)
    with pytest.raises(ScorerError, match=r"cannot find the library rapidocr_onnxruntime.*quality"):
        loaded("text")
