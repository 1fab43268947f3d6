import numpy as np
import pytest

from pipelines.label_overlap.classifier import Classifier, activated, as_input
from pipelines.label_overlap.config import ClassifierConfig, LabelsError
from tests.support.onnx_files import write_mean_classifier

SIDE = 16
RGB = np.zeros((20, 30, 3), np.uint8) + np.array([255, 51, 0], np.uint8)


@pytest.fixture
def config(tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("red\nn01234567 grass_green\nblue, sky\n")
    onnx = write_mean_classifier(tmp_path / "mean.onnx", SIDE)
    return ClassifierConfig(
        path=str(onnx),
        names=str(names),
        side=SIDE,
        mean=(0, 0, 0),
        std=(1, 1, 1),
        activation="none",
    )


def test_each_class_has_its_output(config):
    found = Classifier(config).labels(RGB)
    assert [label for label, _ in found] == ["red", "grass green", "blue, sky"]
    assert [score for _, score in found] == pytest.approx([1, 0.2, 0])


def test_either_layout_gives_the_same(config, tmp_path):
    path = write_mean_classifier(tmp_path / "nhwc.onnx", SIDE, nhwc=True)
    other = config.model_copy(update={"path": str(path), "layout": "NHWC"})
    assert Classifier(other).labels(RGB) == Classifier(config).labels(RGB)
    with pytest.raises(LabelsError, match="set `side` and `layout`"):
        Classifier(config.model_copy(update={"layout": "NHWC"})).labels(RGB)


def test_the_input_is_the_centred_square_normalised():
    image = np.zeros((8, 24, 3), np.uint8)
    image[:, 8:16] = 255
    given = ClassifierConfig(path="", names="", side=8, mean=(0.5, 0, 1), std=(0.5, 1, 2))
    made = as_input(image, given)
    assert made.shape == (1, 3, 8, 8)
    assert made.dtype == np.float32
    assert made[0, :, 0, 0].tolist() == [1, 1, 0]
    assert made[0].reshape(3, -1).std(axis=1).tolist() == [0, 0, 0]


def test_scores_of_several_kinds():
    outputs = np.array([0, np.log(3), 1000], np.float32)
    assert activated(outputs[:2], "softmax") == pytest.approx([0.25, 0.75])
    assert activated(outputs[:2], "sigmoid") == pytest.approx([0.5, 0.75])
    assert activated(outputs, "softmax").tolist() == [0, 0, 1]  # no overflow
    assert activated(outputs, "none").tolist() == outputs.tolist()


def test_other_names_than_classes_are_refused(config, tmp_path):
    (tmp_path / "names.txt").write_text("red\ngreen\n")
    with pytest.raises(LabelsError, match=r"has 3 classes and .* 2 names"):
        Classifier(config).labels(RGB)


def test_a_file_that_is_no_model_is_refused(config, tmp_path):
    (tmp_path / "mean.onnx").write_bytes(b"no model")
    with pytest.raises(LabelsError, match="no ONNX file"):
        Classifier(config)
