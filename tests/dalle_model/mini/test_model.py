from functools import partial

import pytest
import torch
from torch import Tensor, nn

from dalle_model.mini.config import MiniConfig
from dalle_model.mini.model import Mini, MiniState
from dalle_model.mini.release import named_as_ours
from tests.support.min_dalle import DalleBartDecoder, DalleBartEncoder

CONFIG = MiniConfig(
    text_vocab=40,
    text_len=6,
    image_vocab=30,
    num_codes=24,
    start=24,
    width=16,
    encoder_layers=2,
    decoder_layers=3,
    heads=4,
    ffn=20,
    scaled_norms=True,  # as min-dalle's modules have them
)
TEXT = torch.tensor([[0, 2, 1, 1, 1, 1], [0, 9, 39, 5, 2, 1]])  # the empty caption, and another


def _assert_close(found: Tensor, expected: Tensor) -> None:
    """In float64, so that no rounding hides a difference."""
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.fixture(scope="module")
def theirs():
    """min-dalle's encoder and decoder with random weights, those of norms included."""
    torch.manual_seed(0)
    encoder = DalleBartEncoder(
        layer_count=CONFIG.encoder_layers,
        embed_count=CONFIG.width,
        attention_head_count=CONFIG.heads,
        text_vocab_count=CONFIG.text_vocab,
        text_token_count=CONFIG.text_len,
        glu_embed_count=CONFIG.ffn,
        device="cpu",
    )
    decoder = DalleBartDecoder(
        image_vocab_count=CONFIG.image_vocab,
        embed_count=CONFIG.width,
        attention_head_count=CONFIG.heads,
        glu_embed_count=CONFIG.ffn,
        layer_count=CONFIG.decoder_layers,
        device="cpu",
    )
    for name, weight in [*encoder.named_parameters(), *decoder.named_parameters()]:
        nn.init.normal_(weight, std=0.5 if weight.ndim == 2 else 0.1)
        weight.data += weight.ndim == 1 and name.endswith("weight")  # of norms, around 1
    nn.init.zeros_(decoder.lm_head.weight[CONFIG.num_codes :].data)  # never the most likely
    return [half.double().requires_grad_(requires_grad=False) for half in (encoder, decoder)]


@pytest.fixture(scope="module")
def ours(theirs):
    model = Mini(CONFIG).double().requires_grad_(requires_grad=False)
    model.load_state_dict(named_as_ours(theirs[0].state_dict(), theirs[1].state_dict()))
    return model


def _outputs(monkeypatch, model: nn.Module, names: list[str]) -> list[Tensor]:
    """What submodules return, filled as the model runs; min-dalle calls their `forward` itself."""
    found: list[Tensor] = []

    def record(forward, *arguments):
        out = forward(*arguments)
        found.append(out[0] if isinstance(out, tuple) else out)
        return out

    for name in names:
        module = model.get_submodule(name)
        monkeypatch.setattr(module, "forward", partial(record, module.forward))
    return found


def test_the_encoder_is_that_of_min_dalle_layer_by_layer(monkeypatch, theirs, ours):
    blocks = range(CONFIG.encoder_layers)
    their_layers = _outputs(
        monkeypatch, theirs[0], ["layernorm_embedding", *(f"layers.{i}" for i in blocks)]
    )
    our_layers = _outputs(
        monkeypatch, ours.encoder, ["embedding", *(f"blocks.{i}" for i in blocks)]
    )
    their_memory, (memory, _mask) = theirs[0](TEXT), ours.encode(TEXT)
    for found, expected in zip([memory, *our_layers], [their_memory, *their_layers], strict=True):
        _assert_close(found, expected)


def _their_state() -> Tensor:
    shape = CONFIG.decoder_layers, 4, CONFIG.image_len, CONFIG.width
    return torch.zeros(shape, dtype=torch.float64)


def _prefix(length: int) -> Tensor:
    """The start and image tokens after it, of one image."""
    torch.manual_seed(1)
    ids = torch.randint(CONFIG.num_codes, (1, length))
    ids[:, 0] = CONFIG.start
    return ids


def test_the_decoder_is_that_of_min_dalle_layer_by_layer(monkeypatch, theirs, ours):
    prefix = _prefix(9)
    blocks = range(CONFIG.decoder_layers)
    their_layers = _outputs(
        monkeypatch, theirs[1], ["layernorm_embedding", *(f"layers.{i}" for i in blocks)]
    )
    our_layers = _outputs(
        monkeypatch, ours.decoder, ["embedding", *(f"blocks.{i}" for i in blocks)]
    )
    memory, mask = ours.encode(TEXT)
    theirs_logits, _state = theirs[1](
        mask, theirs[0](TEXT), _their_state(), prefix, torch.arange(9)
    )
    last = ours.decoder(prefix.expand(2, -1), memory, mask)
    for found, expected in zip(
        [ours.head(last), *our_layers], [theirs_logits, *their_layers], strict=True
    ):
        _assert_close(found, expected)


def test_steps_with_a_cache_are_those_of_min_dalle(theirs, ours):
    prefix = _prefix(12)
    mask = (TEXT != 1)[:, None, None]
    memory, their_state = theirs[0](TEXT), _their_state()
    state = ours.prefill(TEXT)
    for position in range(12):
        theirs_logits, their_state = theirs[1](
            mask, memory, their_state, prefix[:, [position]], torch.tensor([position])
        )
        found = ours.step(prefix[:, position].expand(2), position, state)
        _assert_close(found, theirs_logits[:, -1, : CONFIG.num_codes])


def test_whole_images_are_those_of_min_dalle(theirs, ours):
    """Super-conditioning with a scale of 5, then the most likely code, over all 256 positions."""
    scale = 5.0
    settings = torch.tensor([1.0, 1.0, scale])  # temperature, top-k and scale there
    mask = (TEXT != 1)[:, None, None]
    memory, their_state = theirs[0](TEXT), _their_state()
    state = ours.prefill(TEXT)
    their_token = our_token = torch.tensor([CONFIG.start])
    theirs_drawn, ours_drawn = [], []
    for position in range(CONFIG.image_len):
        their_token, their_state = theirs[1].sample_tokens(
            settings,
            attention_mask=mask,
            encoder_state=memory,
            attention_state=their_state,
            prev_tokens=their_token[:, None],
            token_index=torch.tensor([position]),
        )
        without, with_caption = ours.step(our_token.expand(2), position, state)
        our_token = (without + scale * (with_caption - without)).argmax()[None]
        theirs_drawn.append(their_token.item())
        ours_drawn.append(our_token.item())
    assert ours_drawn == theirs_drawn
    assert len(set(ours_drawn)) > 3


def test_steps_give_what_the_whole_image_gives(ours):
    torch.manual_seed(2)
    image = torch.randint(CONFIG.num_codes, (2, CONFIG.image_len))
    logits = ours(TEXT, image)
    assert logits.shape == (2, CONFIG.image_len, CONFIG.image_vocab + 1)
    state = ours.prefill(TEXT)
    token = torch.full((2,), CONFIG.start)
    for position in range(CONFIG.image_len):
        found = ours.step(token, position, state)
        expected = logits[:, position, : CONFIG.num_codes]
        _assert_close(found, expected)
        token = image[:, position]


def test_streams_of_captions_read_one_by_one_are_those_of_captions_read_again(ours):
    index = torch.tensor([1, 0, 1])
    read = [ours.prefill(TEXT[:1]), ours.prefill(TEXT[1:])]
    spread, again = MiniState.joined(read).spread(index), ours.prefill(TEXT[index])
    alone = read[0].spread(torch.tensor([0, 0, 0]))
    start = torch.full((3,), CONFIG.start)
    found = ours.step(start, 0, spread)
    _assert_close(found, ours.step(start, 0, again))
    _assert_close(ours.step(start, 0, alone)[0], found[1])


def test_padding_changes_nothing(ours):
    image = torch.zeros(1, 4, dtype=torch.int64)
    memory, mask = ours.encode(TEXT[1:])
    without = ours.head(ours.decoder(image, memory, mask))
    memory[:, 5] = 100.0
    with_noise = ours.head(ours.decoder(image, memory, mask))
    _assert_close(with_noise, without)


def test_too_many_positions_are_refused(ours):
    with pytest.raises(ValueError, match="257 positions where the model has 256"):
        ours(TEXT, torch.zeros(2, 257, dtype=torch.int64))


def test_matrices_begin_with_the_std_of_the_config_and_norms_before_them_have_no_scale():
    torch.manual_seed(0)
    model = Mini(
        MiniConfig(
            image_vocab=400,
            num_codes=400,
            start=400,
            text_vocab=400,
            width=64,
            encoder_layers=1,
            decoder_layers=1,
            ffn=128,
        )
    )
    for name, weight in model.named_parameters():
        if weight.ndim == 2:
            assert weight.std().item() == pytest.approx(0.02, rel=0.1), name
    scaled = {
        n.removesuffix(".weight")
        for n, w in model.decoder.named_parameters()
        if n.endswith("norm.weight") and w.ndim == 1
    }
    assert scaled == {"embedding.norm", "blocks.0.attention_out_norm", "blocks.0.cross_out_norm"}
