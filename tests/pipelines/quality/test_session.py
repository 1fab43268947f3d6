import sys

import numpy as np
import pytest

from pipelines.quality.session import open_session
from pipelines.quality.weights import ScorerError
from tests.pipelines.quality.samples import weights_of

NSFW = weights_of("nsfw")


def test_a_result_does_not_depend_on_what_was_run_before():
    run = open_session("nsfw", NSFW)
    rng = np.random.default_rng(0)
    one, other = rng.normal(0, 50, (2, 1, 224, 224, 3)).astype(np.float32)
    first = run(one)[0]
    run(other)
    assert run(one)[0].tobytes() == first.tobytes()
    assert open_session("nsfw", NSFW)(one)[0].tobytes() == first.tobytes()


@pytest.mark.parametrize("onnx", [b"", b"no model", None])
def test_a_file_that_is_no_model_is_told(onnx):
    damaged = NSFW[:100_000] if onnx is None else onnx
    with pytest.raises(ScorerError, match=r"cannot load open-nsfw\.onnx: .*install"):
        open_session("open-nsfw.onnx", damaged)


def test_without_onnxruntime_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ScorerError, match=r"which x needs; run `pip install 'dalle\[quality\]'`"):
        open_session("x", b"")
