import pytest
from pydantic import ValidationError

from pipelines.label_overlap.config import (
    LabelOverlapConfig,
    LabelsError,
    dependencies,
    relocated,
    settings,
)

CLASSIFIER = {"path": "a/model.onnx", "names": "names.txt"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "one of both"),
        ({"table": "a.csv", "classifier": CLASSIFIER}, "one of both"),
        ({"table": "a.csv", "min_labels": 21}, "above"),
    ],
)
def test_what_makes_no_sense_is_refused(values, message):
    with pytest.raises(ValidationError, match=message):
        LabelOverlapConfig(**values)


def test_paths_count_from_the_config_and_are_no_settings():
    found = relocated(LabelOverlapConfig.model_validate({"classifier": CLASSIFIER}), "/home")
    assert found.classifier is not None
    assert (found.classifier.path, found.classifier.names) == (
        "/home/a/model.onnx",
        "/home/names.txt",
    )
    assert "/home" not in str(settings(found))
    table = relocated(LabelOverlapConfig(table="labels.csv"), "/home")
    assert table.table == "/home/labels.csv"
    assert settings(table)["table"] == ".csv"


def test_content_is_a_dependency(tmp_path):
    table = tmp_path / "labels.csv"
    config = LabelOverlapConfig(table=str(table))
    with pytest.raises(LabelsError, match="there is no file at"):
        dependencies(config)
    table.write_text("key,labels\n")
    first = dependencies(config)
    table.write_text("key,labels\nab,dog\n")
    assert dependencies(config) != first
