import pytest

from dalle_model import files
from pipelines.io.aside import ByteRange, put_aside, take_back

CONTENTS = {"a": b"first", "b": b"second, longer", "c": b"third"}


@pytest.mark.parametrize("names", ["abc", "ac", "cb", "b", ""])
def test_what_is_put_aside_is_taken_back(tmp_path, names):
    places = put_aside(CONTENTS, str(tmp_path))
    chosen = {name: places[name] for name in names}
    assert dict(take_back(chosen)) == {name: CONTENTS[name] for name in names}


def test_what_lies_side_by_side_is_read_at_once(tmp_path, monkeypatch):
    one, other = put_aside(CONTENTS, str(tmp_path)), put_aside({"d": b"d"}, str(tmp_path))
    asked = []
    read = files.read_range

    def read_range(url, offset, length):
        asked.append((offset, length))
        return read(url, offset, length)

    monkeypatch.setattr(files, "read_range", read_range)
    found = dict(take_back(one | other))
    assert found == CONTENTS | {"d": b"d"}
    assert sorted(asked) == [(0, 1), (0, 24)]


def test_equal_contents_are_one_file(tmp_path):
    assert put_aside(CONTENTS, str(tmp_path)) == put_aside(CONTENTS, str(tmp_path))
    assert len(files.list_names(str(tmp_path))) == 1


def test_a_file_that_is_gone_is_named(tmp_path):
    gone = ByteRange(str(tmp_path / "gone.bin"), 0, 1)
    with pytest.raises(FileNotFoundError, match=r"gone\.bin"):
        dict(take_back({"a": gone}))
