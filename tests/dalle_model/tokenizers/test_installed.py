import numpy as np
import pytest

from dalle_model.tokenizers.codec import CodecError, CodecFacts
from dalle_model.tokenizers.installed import split_name
from dalle_model.tokenizers.registry import codec_sha256, inspect_codec, load_codec
from pipelines.encode.config import EncodeConfig
from pipelines.encode.stage import STAGE
from tests.support.plugins import COLOURS, COLOURS_CODEC, write_plugin

BROKEN = """
from dalle_model.tokenizers.codec import CodecFacts

class Codec:
    def __init__(self, **values):
        facts = dict(
            name="x", sha256="ab" * 32, image_shape=(8, 8), token_shape=(1, 1), num_codes=2,
            resample="lanczos", pixel_range=(0, 1),
        )
        self.facts = CodecFacts(**facts | values)

    encode = decode = staticmethod(lambda images: images)

def fails(): raise RuntimeError("no weights")
def good(): return Codec()
def undigested(): return Codec(sha256="")
def nameless(): return Codec(name="")
def incoherent(): return Codec(token_shape=(1,))
def no_codec(): return 3
def only_decodes():
    codec = Codec()
    codec.encode = None
    return codec
"""
NAMES = ("fails", "good", "undigested", "nameless", "incoherent", "no_codec", "only_decodes")
POINTS = {"dalle.codecs": {n: f"broken.plugin:{n}" for n in (*NAMES, "demo", "gone")}}


@pytest.fixture
def colours(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(write_plugin(tmp_path, "colours", COLOURS_CODEC, COLOURS)))


@pytest.fixture
def broken(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(write_plugin(tmp_path, "broken", BROKEN, POINTS)))


@pytest.mark.parametrize(
    ("given", "split"),
    [
        ("mine", ("mine", None)),
        ("mine:weights/x.pt", ("mine", "weights/x.pt")),
        ("mine:s3://bucket/x", ("mine", "s3://bucket/x")),
        ("s3://bucket/x", ("", "s3://bucket/x")),
        ("weights/x.pt", ("", "weights/x.pt")),
    ],
)
def test_a_name_is_told_from_a_url(given, split):
    assert split_name(given) == split


def test_an_installed_codec_has_a_name_and_may_take_a_url(colours):
    assert load_codec("colours").facts.side == 64
    assert inspect_codec("colours:16").token_shape == (2, 2)
    assert codec_sha256("colours") != codec_sha256("colours:16")
    images = np.full((2, 16, 16, 3), (255, 0, 128), np.uint8)
    codec = load_codec("colours:16")
    codes = codec.encode(images)
    assert (codes.shape, codes.dtype.name, codes.max()) == ((2, 4), "uint16", 0b111_000_10)
    assert np.abs(codec.decode(codes).astype(int) - images).max() <= 32


def test_the_file_of_an_installed_codec_is_counted_from_the_config():
    def located(codec):
        return STAGE.relocate(EncodeConfig(codec=codec), "/configs").codec

    assert located("mine:weights/x.pt") == "mine:/configs/weights/x.pt"
    assert located("mine:s3://bucket/x.pt") == "mine:s3://bucket/x.pt"
    assert located("mine:64") == "mine:64"
    assert located("x.safetensors") == "/configs/x.safetensors"
    assert located("demo") == "demo"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("fails", r"'fails' \(broken.plugin:fails\) .* makes no codec of nothing: .*no weights"),
        ("good:x", "makes no codec of 'x'"),
        ("undigested", "sha256 ''"),
        ("nameless", "states no name"),
        ("incoherent", "'raster' needs rows and columns"),
        ("no_codec", "are no CodecFacts"),
        ("only_decodes", "without `encode`"),
        ("gone", "cannot be imported"),
    ],
)
def test_what_is_no_codec_is_refused_by_name(broken, name, problem):
    for attempt in (load_codec, inspect_codec):
        with pytest.raises(CodecError, match=problem):
            attempt(name)


def test_a_shipped_name_is_never_that_of_a_package(broken):
    assert load_codec("demo").facts.num_codes == 1024
    assert isinstance(load_codec("good").facts, CodecFacts)
