import numpy as np
import pytest

from dalle_model.clip.scorer import ScorerError
from dalle_model.tokenizers.codec import CodecError
from dalle_model.tokenizers.registry import load_codec
from tests.support.codecs import write_codec, write_vq
from tests.support.guided import guiding, tiny_scorer

PLAIN = np.linspace(0, 255, 16 * 16 * 3).reshape(16, 16, 3).astype(np.uint8)


@pytest.fixture(scope="module", params=["vq", "dvae"])
def codec(request, tmp_path_factory):
    url = str(tmp_path_factory.mktemp("codec") / "codec.safetensors")
    (write_vq if request.param == "vq" else write_codec)(url)
    return load_codec(url)


def test_steps_lower_the_loss_and_the_same_seed_gives_the_same_bytes(codec):
    told = []
    first, again = (
        list(guiding(codec, steps=12, rate=0.3).frames(lambda *step: told.append(step)))
        for _ in range(2)
    )
    losses = [metrics["loss"] for *_, metrics in told[:12]]
    assert np.mean(losses[-3:]) < np.mean(losses[:3])
    assert [step for step, *_ in told] == [*range(1, 13), *range(1, 13)]
    assert [frame.step for frame in first] == [0, 2, 4, 6, 8, 10, 12]
    assert [f.picture.tobytes() for f in first] == [f.picture.tobytes() for f in again]
    other = list(guiding(codec, steps=12, seed=1).frames())
    assert other[0].picture.tobytes() != first[0].picture.tobytes()


@pytest.mark.parametrize("weight", [1, -1])
def test_a_weight_says_whether_a_similarity_rises_or_falls(codec, weight):
    frames = list(guiding(codec, f"a red heart:{weight}", steps=12, rate=0.2).frames())
    change = frames[-1].similarities[0] - frames[0].similarities[0]
    assert change * weight > 0.01


def test_similarities_are_those_that_the_scorer_gives_whole_pictures(codec):
    scorer = tiny_scorer()
    made = guiding(codec, "a red heart | face.png:-1", pictures={"face.png": PLAIN}, steps=1)
    (first, *_) = made.frames()
    of_text, of_image = first.similarities
    assert of_text == pytest.approx(scorer.score([first.picture], ["a red heart"])[0], abs=1e-6)
    vectors = scorer.embed_images([first.picture, PLAIN])
    assert of_image == pytest.approx(vectors[0] @ vectors[1], abs=1e-6)
    assert made.without_words(PLAIN) == pytest.approx(scorer.score([PLAIN], [""])[0], abs=1e-6)


@pytest.mark.parametrize("over", ["codes", "latents"])
def test_a_start_is_first_seen_as_the_codec_reconstructs_it(codec, over):
    (first, *_) = guiding(codec, start=PLAIN, over=over, steps=1).frames()
    expected = codec.decode(codec.encode(PLAIN[None]))[0]
    assert np.abs(first.picture.astype(int) - expected.astype(int)).max() <= 1


def test_distorted_and_mixed_it_has_frames_too(codec):
    settings = {"augments": True, "mirrors": True, "over": "codes", "mixes": True, "every": 3}
    frames = list(guiding(codec, steps=4, cutouts=2, **settings).frames())
    assert [frame.step for frame in frames] == [0, 3, 4]
    assert frames[0].picture.tobytes() != frames[-1].picture.tobytes()


def test_where_it_is_stopped_the_picture_so_far_is_the_last(codec):
    done = []
    frames = list(
        guiding(codec, every=3).frames(lambda step, *_: done.append(step), lambda: len(done) == 4)
    )
    assert [frame.step for frame in frames] == [0, 3, 4]


def test_what_gradients_do_not_pass_through_is_refused(codec):
    class Told:
        def score(self, images, captions):
            return np.zeros(len(images), np.float32)

    with pytest.raises(ScorerError, match="no gradient passes through the scorer tiny"):
        guiding(codec, scorer=Told())
    with pytest.raises(CodecError, match="device cuda: torch sees no graphics card here"):
        guiding(codec, device="cuda")
