import json

import numpy as np
import pytest
import torch
from tokenizers import pre_tokenizers

from dalle_model.checkpoint import save_checkpoint
from dalle_model.mini.config import MiniConfig
from dalle_model.mini.convert import convert_mini, is_mini
from dalle_model.mini.model import Mini
from dalle_model.mini.release import named_as_ours
from dalle_model.mini.trained import load_mini
from dalle_model.tokenizers.pickles import ConversionError
from dalle_model.tokenizers.vqgan import Vqgan
from dalle_model.tokenizers.vqgan_config import VqganConfig
from tests.support.codecs import filled
from tests.support.flax_files import write_flax
from tests.support.min_dalle import DalleBartDecoder, DalleBartEncoder

CODEC = VqganConfig(24, 8, 32, 32, (1, 2), 1, (), image_shape=(32, 32))  # 16 x 16 tokens
LAYERS, WIDTH, FFN = 2, 64, 20
UNSCALED = ("pre_self_attn_layer_norm", "pre_encoder_attn_layer_norm", "ln0", "ln1", "final_ln")
FLAX_NORMS = {
    "pre_self_attn_layer_norm": "LayerNorm_0",
    "self_attn_layer_norm": "LayerNorm_1",
    "pre_encoder_attn_layer_norm": "LayerNorm_2",
    "encoder_attn_layer_norm": "LayerNorm_3",
}
FLAX_MODULES = {
    "self_attn": "FlaxBartAttention_0",
    "encoder_attn": "FlaxBartAttention_1",
    "glu.ln0": "GLU_0.LayerNorm_0",
    "glu.ln1": "GLU_0.LayerNorm_1",
    "glu.fc0": "GLU_0.Dense_0",
    "glu.fc1": "GLU_0.Dense_1",
    "glu.fc2": "GLU_0.Dense_2",
} | FLAX_NORMS
CONFIG = {  # as dalle-mini's config.json of mega has it, at a small size
    "d_model": WIDTH,
    "decoder_attention_heads": 4,
    "decoder_start_token_id": 24,
    "encoder_attention_heads": 4,
    "init_std": 0.01,
    "ln_positions": "normformer",
    "normalize_text": True,
    "use_glu": True,
}


def _halves():
    """State dicts of min-dalle's modules as published: without scales before a matrix."""
    with torch.device("meta"):
        encoder = DalleBartEncoder(LAYERS, WIDTH, 4, 300, 6, FFN, "meta")
        decoder = DalleBartDecoder(30, WIDTH, 4, FFN, LAYERS, "meta")
    shapes = ({n: tuple(t.shape) for n, t in m.state_dict().items()} for m in (encoder, decoder))
    return [
        {n: t for n, t in filled(found).items() if not n.endswith(_unscaled())} for found in shapes
    ]


def _unscaled():
    return tuple(f"{name}.weight" for name in UNSCALED)


def _flax_name(name):
    for theirs, flax in FLAX_MODULES.items():
        if f".{theirs}." in name:
            name = name.replace(f".{theirs}.", f".{flax}.")
            break
    module, _, kind = name.rpartition(".")
    if kind == "weight":
        is_norm = "layernorm" in module or "LayerNorm" in module
        kind = "embedding" if "embed_" in module else "scale" if is_norm else "kernel"
    return f"{module}.{kind}"


def _flax_tree(halves, is_scanned):
    """The tensors by the names of Flax: layers as one tensor, or each by itself."""
    tree = {}
    for half, tensors in zip(("encoder", "decoder"), halves, strict=True):
        collection = f"model.{half}.layers.FlaxBart{half.capitalize()}Layer"
        for name, tensor in tensors.items():
            if name == "lm_head.weight":
                tree["lm_head.kernel"] = tensor.T.numpy()
                continue
            flax = _flax_name(f".{name}").removeprefix(".")
            values = (tensor.T if flax.endswith("kernel") else tensor).numpy()
            if not flax.startswith("layers."):
                tree[f"model.{half}.{flax}"] = values
                continue
            _, layer, inner = flax.split(".", 2)
            if is_scanned:
                tree.setdefault(f"{collection}s.{inner}", []).append(values)
            else:
                tree[f"{collection}_{layer}.{inner}"] = values
    return {n: np.stack(v) if isinstance(v, list) else v for n, v in tree.items()}


@pytest.fixture(scope="module")
def halves():
    return _halves()


@pytest.fixture
def rest(tmp_path):
    """The text tokenizer and the codec that go with the weights."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *alphabet]
    (tmp_path / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    weights = filled({n: tuple(t.shape) for n, t in Vqgan(CODEC).state_dict().items()})
    save_checkpoint(f"{tmp_path}/vqgan.safetensors", "vqgan", weights, CODEC.to_dict())
    return [f"{tmp_path}/{name}" for name in ("vocab.json", "merges.txt", "vqgan.safetensors")]


@pytest.fixture
def min_dalle(halves, tmp_path):
    for name, tensors in zip(("encoder", "decoder"), halves, strict=True):
        torch.save({n: t.half() for n, t in tensors.items()}, tmp_path / f"{name}.pt")
    return [f"{tmp_path}/decoder.pt", f"{tmp_path}/encoder.pt"]


def _equals(model: Mini, halves):
    expected = named_as_ours(*halves)
    assert model.state_dict().keys() == expected.keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, expected[name]), name


def test_min_dalles_files_are_converted(min_dalle, rest, halves, tmp_path):
    made = convert_mini([*rest, *min_dalle], f"{tmp_path}/mini.safetensors")
    mini = load_mini(f"{tmp_path}/mini.safetensors")
    _equals(mini.model, [{n: t.half().float() for n, t in half.items()} for half in halves])
    assert mini.model.config == made.config == MiniConfig(
        text_vocab=300, text_len=6, image_vocab=30, num_codes=24, start=24, width=WIDTH,
        encoder_layers=LAYERS, decoder_layers=LAYERS, heads=1, ffn=FFN,
    )  # fmt: skip
    assert set(mini.metrics["converted_from"]) == {"encoder.pt", "decoder.pt"}
    assert (mini.codes.grid, mini.codes.num_codes, mini.tokenizer.normalises) == (16, 24, True)
    assert mini.tokenizer.encode_batch(["A"], 5, 1).tolist() == [
        mini.tokenizer.encode_batch(["a"], 5, 1)[0].tolist()
    ]
    said = f"{made.num_parameters:,} parameters, 256 of 24 codes"
    assert str(made) == f"mini     {tmp_path}/mini.safetensors ({said})"


def test_without_scales_the_encoder_is_that_of_min_dalle_as_it_loads_them(
    min_dalle, rest, halves, tmp_path
):
    convert_mini([*rest, *min_dalle], f"{tmp_path}/mini.safetensors")
    theirs = DalleBartEncoder(LAYERS, WIDTH, 1, 300, 6, FFN, "cpu")
    theirs.load_state_dict({n: t.half().float() for n, t in halves[0].items()}, strict=False)
    text = torch.tensor([[0, 2, 1, 1, 1, 1], [0, 9, 39, 5, 2, 1]])
    found, _mask = load_mini(f"{tmp_path}/mini.safetensors").model.encode(text)
    torch.testing.assert_close(found, theirs(text), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("is_scanned", [True, False])
def test_flax_weights_are_converted_without_loss(is_scanned, rest, halves, tmp_path):
    url = write_flax(tmp_path / "flax_model.msgpack", _flax_tree(halves, is_scanned))
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    made = convert_mini([url, f"{tmp_path}/config.json", *rest], f"{tmp_path}/mini.safetensors")
    assert (made.config.heads, made.config.init_std) == (4, 0.01)
    _equals(load_mini(f"{tmp_path}/mini.safetensors").model, halves)


def test_equal_files_give_equal_bytes(min_dalle, rest, tmp_path):
    for name in ("a", "b"):
        convert_mini([*min_dalle, *rest], f"{tmp_path}/{name}.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"use_bias": True}, "has use_bias True; those with False are converted"),
        ({"ln_positions": "swinv2"}, "has ln_positions 'swinv2'"),
        ({"decoder_attention_heads": 2}, "different numbers of heads"),
        ({"decoder_start_token_id": 31}, "start 31 is not below the 31 rows"),
    ],
)
def test_other_variants_are_refused(change, problem, min_dalle, rest, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | change))
    with pytest.raises(ConversionError, match=problem):
        convert_mini([*min_dalle, f"{tmp_path}/config.json", *rest], f"{tmp_path}/x.safetensors")


def test_what_is_missing_is_said(min_dalle, rest, tmp_path):
    out = f"{tmp_path}/x.safetensors"
    for sources in ([*min_dalle, *rest[:2]], [*min_dalle, *rest[1:]], [*min_dalle[:1], *rest]):
        with pytest.raises(ConversionError, match="is converted from the weights"):
            convert_mini(sources, out)
    with pytest.raises(ConversionError, match="is the checkpoint to write"):
        convert_mini(min_dalle, rest[0])
    for missing in ("other.json", "other.pt"):
        with pytest.raises(ConversionError, match=f"no file at .*{missing}"):
            convert_mini([f"{tmp_path}/{missing}", *min_dalle[:1], *rest], out)
    assert is_mini(rest)
    assert not is_mini(min_dalle)


def test_another_codec_and_other_tensors_are_refused(min_dalle, rest, halves, tmp_path):
    save_checkpoint(rest[2], "vqgan", {}, VqganConfig(24, image_shape=(32, 32)).to_dict())
    with pytest.raises(ConversionError, match=r"has \(2, 2\) tokens an image"):
        convert_mini([*min_dalle, *rest], f"{tmp_path}/x.safetensors")
    for extra in ("other.weight", "layers.0.fc.weight"):
        torch.save(halves[0] | {extra: torch.zeros(1)}, min_dalle[1])
        with pytest.raises(ConversionError, match=f"{extra.rpartition('.')[0]} is no tensor"):
            convert_mini([*min_dalle, *rest], f"{tmp_path}/x.safetensors")
