import hashlib
import pickle

import pytest
from pydantic import ValidationError

from pipelines.quality.config import QualityConfig, dependencies, schema
from tests.pipelines.quality.samples import weights_of


def config(**sections):
    return QualityConfig.model_validate(sections)


def test_only_scorers_that_have_a_section_are_asked_in_their_own_order():
    chosen = config(text={}, plain={"min_side": 9})
    assert [(scorer.name, section) for scorer, section in chosen.asked()] == [
        ("plain", chosen.plain),
        ("text", chosen.text),
    ]
    assert config().asked() == []
    assert config(nsfw=None).asked() == []


@pytest.mark.parametrize(
    "sections", [{"nudity": {}}, {"nsfw": {"max": 2}}, {"faces": {"mx": 1}}, {"text": {"side": 1}}]
)
def test_what_cannot_work_is_refused(sections):
    with pytest.raises(ValidationError):
        config(**sections)


def test_settings_travel_to_another_process():
    chosen = config(faces={"blur": True}, nsfw={})
    assert pickle.loads(pickle.dumps(chosen)) == chosen


def test_columns_are_those_of_the_scorers_asked_for():
    assert schema(config()).names == ["key", "url", "caption"]
    assert schema(config(nsfw={})).names == ["key", "url", "caption", "nsfw"]
    assert "blurred" not in schema(config(faces={})).names
    assert schema(config(faces={"blur": True})).names[3:] == ["faces", "face_area", "blurred"]


def test_dependencies_are_the_weights_and_the_versions_of_what_is_asked_for():
    assert dependencies(config()) == {}
    assert set(dependencies(config(plain={}))) == {"numpy", "pillow"}
    found = dependencies(config(nsfw={}))
    assert found["nsfw_weights"] == hashlib.sha256(weights_of("nsfw")).hexdigest()
    assert set(found) == {"nsfw_weights", "numpy", "onnxruntime", "pillow"}
    opencv = dependencies(config(text={}))["opencv"]
    assert opencv.startswith("opencv-python")
