import gzip

import pytest

from dalle_model.errors import DalleError
from pipelines.text.word_files import decode, read


class OwnError(DalleError):
    """The class that a caller asks for."""


@pytest.mark.parametrize("url", ["own.txt", "own.txt.gz"])
def test_text_plain_and_packed_without_a_mark_at_its_start(url):
    content = "\ufeffred\nd\u00f4me\n".encode()
    packed = gzip.compress(content) if url.endswith(".gz") else content
    assert decode(packed, url, OwnError) == "red\nd\u00f4me\n"


@pytest.mark.parametrize("url", ["own.txt", "own.txt.gz"])
def test_the_line_that_is_not_utf_8_is_named(url):
    content = b"red\nd\xf4me\n"
    packed = gzip.compress(content) if url.endswith(".gz") else content
    with pytest.raises(OwnError, match=rf"{url}:2: is not UTF-8"):
        decode(packed, url, OwnError)


def test_a_torn_file_and_a_missing_one(tmp_path):
    with pytest.raises(OwnError, match="not a whole gzip file"):
        decode(gzip.compress(b"red\n" * 99)[:-9], "own.txt.gz", OwnError)
    with pytest.raises(OwnError, match=r"none\.txt cannot be read"):
        read(str(tmp_path / "none.txt"), OwnError)
