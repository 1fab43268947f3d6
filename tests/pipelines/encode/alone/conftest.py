import pytest

from tests.support.codecs import write_codec


@pytest.fixture(scope="session")
def codec_url(tmp_path_factory) -> str:
    url = f"{tmp_path_factory.mktemp('codec')}/tiny.safetensors"
    write_codec(url)
    return url
