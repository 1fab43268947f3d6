import numpy as np
import pytest
import torch

from dalle_model.mini.config import MiniConfig
from dalle_model.mini.settings import MiniDrawing
from dalle_model.mini.text import MiniTokenizer
from dalle_model.mini.trained import TrainedMini
from dalle_model.prior.trained import CodesOrigin
from dalle_model.sample.mini import generate_codes, generate_images
from dalle_model.sample.sampler import draw_uniforms
from dalle_model.tokenizers.registry import load_codec
from tests.support.minis import TINY, random_mini
from tests.support.priors import CAPTIONS, tiny_tokenizer

MODEL = random_mini()
READ = MiniTokenizer(tiny_tokenizer().content).encode_batch(["", *CAPTIONS], 10, 300)
EMPTY, TEXT = torch.from_numpy(READ[0]), torch.from_numpy(READ[1:])


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def uniforms(text, n=1, seed=0):
    return draw_uniforms(text, range(n), TINY.image_len, seed)


def naive(model, text, uniforms, settings):
    """One image by whole forward passes, without caches, one code at a time."""
    codes: list[int] = []
    top_k, top_p = settings.gen_top_k or TINY.num_codes, settings.gen_top_p or 1.0
    for uniform in uniforms.tolist():
        image = torch.tensor([[*codes, *[0] * (TINY.image_len - len(codes))]])
        with_, without = (
            model(text[None], image)[0, len(codes), : TINY.num_codes] for text in (text, EMPTY)
        )
        logits = (without + settings.cond_scale * (with_ - without)) / settings.temperature
        order = logits.argsort(descending=True)[:top_k]
        shares = logits[order].softmax(0)
        before = shares.cumsum(0) - shares
        kept = order[before < top_p].sort().values
        bounds = logits[kept].softmax(0).cumsum(0)
        codes.append(int(kept[int((bounds <= uniform * bounds[-1]).sum())]))
    return codes


@pytest.mark.parametrize(
    "settings",
    [
        MiniDrawing(),
        MiniDrawing(cond_scale=1.0),
        MiniDrawing(gen_top_k=5, temperature=3.0, cond_scale=3.0),
        MiniDrawing(gen_top_p=0.8, temperature=5.0, cond_scale=2.0),
        MiniDrawing(gen_top_k=9, gen_top_p=0.7, temperature=4.0, cond_scale=0.5),
    ],
)
@torch.no_grad()
def test_it_draws_what_whole_forward_passes_draw_in_the_order_of_the_notebook(settings):
    """Guidance, then temperature, then the most likely, then their share; all in float64."""
    model = random_mini().double()
    drawn = generate_codes(model, TEXT, EMPTY, uniforms(TEXT), settings)
    expected = [naive(model, t, u, settings) for t, u in zip(TEXT, uniforms(TEXT), strict=True)]
    assert drawn.tolist() == expected
    assert len({*map(tuple, expected)}) > 1


def test_an_image_is_the_same_whatever_else_is_drawn():
    settings = MiniDrawing(cond_scale=2.0, temperature=2.0)
    many = TEXT.repeat_interleave(4, dim=0)  # a batch that is full
    whole = generate_codes(MODEL, many, EMPTY, uniforms(TEXT, 4), settings)
    for caption in range(4):
        one = TEXT[caption : caption + 1]
        for number in (0, 3):
            alone = uniforms(one, 4)[number : number + 1]
            drawn = generate_codes(MODEL, one, EMPTY, alone, settings)
            assert torch.equal(drawn[0], whole[4 * caption + number])
    unguided = MiniDrawing(cond_scale=1.0)  # one caption alone is in memory once
    both = generate_codes(MODEL, TEXT[:2], EMPTY, uniforms(TEXT[:2]), unguided)
    assert torch.equal(
        generate_codes(MODEL, TEXT[:1], EMPTY, uniforms(TEXT[:1]), unguided), both[:1]
    )
    other = generate_codes(MODEL, TEXT, EMPTY, uniforms(TEXT, seed=1), settings)
    assert not torch.equal(other, whole[::4])


def test_images_are_those_of_their_codes_and_the_same_for_other_numbers():
    codec = load_codec("demo")
    config = MiniConfig(
        text_vocab=301, text_len=10, text_pad=300, image_vocab=1024, num_codes=1024, start=1024,
        grid=8, width=16, encoder_layers=1, decoder_layers=1, heads=1, ffn=16,
    )  # fmt: skip
    codes = CodesOrigin(codec.facts.sha256, 8, 1024)
    tokenizer = MiniTokenizer(tiny_tokenizer().content)
    trained = TrainedMini(random_mini(config), tokenizer, codes, {})
    told: list[tuple[int, int]] = []
    images = generate_images(
        trained, codec, CAPTIONS[:2], 9, MiniDrawing(), lambda done, of, _: told.append((done, of))
    )
    assert images.shape == (2, 9, 64, 64, 3)
    assert told == [(16, 18), (18, 18)]
    few = generate_images(trained, codec, CAPTIONS[1:2], 2, MiniDrawing())
    np.testing.assert_array_equal(few[0], images[1, :2])
    assert not np.array_equal(images[0, 0], images[1, 0])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"gen_top_k": 0}, "gen_top_k must be at least 1"),
        ({"gen_top_p": 0.0}, "gen_top_p must be above 0"),
        ({"temperature": float("nan")}, "temperature must not be negative"),
        ({"cond_scale": -1.0}, "cond_scale must not be negative"),
        ({"seed": -1}, "seed must not be negative"),
    ],
)
def test_settings_that_draw_nothing_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        MiniDrawing(**wrong)
