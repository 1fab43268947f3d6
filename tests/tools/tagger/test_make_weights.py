import io
import pickle

import pytest

from tools.tagger.make_weights import _PlainUnpickler, read_wheel


def test_plain_data_is_unpickled():
    stored = pickle.dumps(({"a": {"b": 1.0}}, {"c"}), protocol=2)
    assert _PlainUnpickler(io.BytesIO(stored)).load() == ({"a": {"b": 1.0}}, {"c"})


def test_a_pickle_that_names_code_is_refused():
    with pytest.raises(pickle.UnpicklingError, match=r"builtins\.eval is no plain data"):
        _PlainUnpickler(io.BytesIO(pickle.dumps(eval, protocol=4))).load()


def test_another_wheel_is_refused(tmp_path):
    path = tmp_path / "other.whl"
    path.write_bytes(b"other")
    with pytest.raises(ValueError, match=r"sha256 is .*, expected 1ed281f3"):
        read_wheel(path)
