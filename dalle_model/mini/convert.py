"""Files of a released DALL·E mini as a checkpoint of this program; none of them is run."""

import json
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dalle_model.checkpoint import difference_of
from dalle_model.mini.config import MiniConfig
from dalle_model.mini.model import Mini
from dalle_model.mini.release import from_flax, named_as_ours
from dalle_model.mini.text import MiniTokenizer, bart_bpe
from dalle_model.mini.trained import TrainedMini, save_mini
from dalle_model.prior.trained import CodesOrigin
from dalle_model.tokenizers.codec import CodecFacts
from dalle_model.tokenizers.flax_file import FlaxFile, Weights, read_weights
from dalle_model.tokenizers.pickles import ConversionError, read_released
from dalle_model.tokenizers.registry import inspect_codec

_CHECKPOINT = ".safetensors"
_MERGES = ".txt"
_NEEDED = (
    "the weights (flax_model.msgpack with the config beside it, or encoder.pt and decoder.pt), "
    "vocab.json, merges.txt, and the checkpoint of the codec"
)
# Of both releases; min-dalle has no config.json that would say it.
_HEAD_WIDTH = 64
# Variants of dalle-mini that are not made here, with the values that they have in its releases.
# Source: dalle-mini `src/dalle_mini/model/configuration.py`, whose defaults most of these are.
_FIXED = {
    "activation_function": "gelu",
    "ln_positions": "normformer",
    "ln_type": "layernorm",
    "scale_embedding": False,
    "sinkhorn_iters": 1,
    "tie_word_embeddings": False,
    "use_absolute_position_embeddings": True,
    "use_bias": False,
    "use_cosine_attention": False,
    "use_deepnet_scaling": False,
    "use_final_ln_decoder": True,
    "use_final_ln_encoder": True,
    "use_glu": True,
    "use_head_scale": False,
    "use_subln_init": False,
    "use_swin_position_embeddings": False,
}


@dataclass(frozen=True)
class ConvertedMini:
    """What was converted.

    Args:
        url: of the checkpoint.
        config: of the model.
        num_parameters: of it.
    """

    url: str
    config: MiniConfig
    num_parameters: int

    def __str__(self) -> str:
        return (
            f"mini     {self.url} ({self.num_parameters:,} parameters, {self.config.image_len:,} "
            f"of {self.config.num_codes:,} codes)"
        )


@dataclass(frozen=True)
class _Files:
    """The files of a release, told apart by suffixes and content."""

    weights: list[str]
    vocab: str
    merges: str
    codec: str
    config: dict[str, Any] | None

    @property
    def normalises(self) -> bool:
        """Whether captions are normalised: both published models' are, and say so."""
        return self.config is None or bool(self.config.get("normalize_text"))


def is_mini(sources: Sequence[str]) -> bool:
    """Whether files are those of a DALL·E mini: merges of text are among them."""
    return any(url.endswith(_MERGES) for url in sources)


def convert_mini(sources: Sequence[str], out: str) -> ConvertedMini:
    """Convert the files of a released DALL·E mini to one checkpoint; equal files give equal bytes.

    Args:
        sources: URLs, in any order, of `flax_model.msgpack` and `config.json` of dalle-mini, or of
            `encoder.pt` and `decoder.pt` of min-dalle; of `vocab.json` and `merges.txt`; and of the
            checkpoint of the codec whose codes it draws, which `dalle convert` made before.
        out: URL of the checkpoint, which ends in `.safetensors`.

    Raises:
        ConversionError: a file is missing, damaged, of another architecture or another codec, or
            holds code, which is never run.
        VocabError: the text tokenizer cannot be read.
    """
    if not out.endswith(_CHECKPOINT):
        raise ConversionError(
            f"the last argument is the checkpoint to write, as x{_CHECKPOINT}; it is {out!r}"
        )
    found = _told_apart(sources)
    weights = [read_weights(url) for url in found.weights]
    tensors = _tensors(weights)
    codec = inspect_codec(found.codec)
    config = _fitting(found, tensors, codec)
    trained = TrainedMini(
        _model(found.weights[0], config, tensors),
        MiniTokenizer(bart_bpe(found.vocab, found.merges), found.normalises),
        CodesOrigin(codec.sha256, config.grid, config.num_codes),
        {"converted_from": {posixpath.basename(one.url): one.sha256 for one in weights}},
    )
    save_mini(out, trained)
    return ConvertedMini(out, config, sum(t.numel() for t in tensors.values()))


def _told_apart(sources: Sequence[str]) -> _Files:
    """Which file is which.

    Raises:
        ConversionError: one is missing, or there is another one too many.
    """
    by_suffix: dict[str, list[str]] = {}
    for url in sources:
        by_suffix.setdefault(posixpath.splitext(url)[1], []).append(url)
    documents = {url: _json(url) for url in by_suffix.pop(".json", [])}
    vocabs = [url for url, document in documents.items() if "<s>" in document]
    configs = [document for document in documents.values() if "d_model" in document]
    merges, codecs = by_suffix.pop(_MERGES, []), by_suffix.pop(_CHECKPOINT, [])
    weights = [url for urls in by_suffix.values() for url in urls]
    counts = (len(vocabs), len(merges), len(codecs))
    if counts != (1, 1, 1) or len(configs) > 1 or len(vocabs) + len(configs) < len(documents):
        raise ConversionError(f"{' '.join(sources)}: a DALL·E mini is converted from {_NEEDED}")
    return _Files(weights, vocabs[0], merges[0], codecs[0], configs[0] if configs else None)


def _json(url: str) -> dict[str, Any]:
    try:
        document = json.loads(read_released(url))
    except ValueError as error:
        raise ConversionError(f"{url} is no JSON: {error}") from error
    return document if isinstance(document, dict) else {}


def _tensors(weights: Sequence[Weights]) -> dict[str, Tensor]:
    """All tensors by our names, in float32."""
    halves: list[Mapping[str, Tensor]] = [source.tensors() for source in weights]
    if len(weights) == 1 and isinstance(weights[0], FlaxFile):
        halves = list(from_flax(halves[0]))
    if len(halves) != 2:
        raise ConversionError(
            f"{len(halves)} files of weights: a DALL·E mini is converted from {_NEEDED}"
        )
    decoder, encoder = sorted(halves, key=lambda half: "lm_head.weight" not in half)
    return {name: t.float() for name, t in named_as_ours(encoder, decoder).items()}


def _fitting(found: _Files, tensors: Mapping[str, Tensor], codec: CodecFacts) -> MiniConfig:
    """The sizes, if the codec goes with them."""
    try:
        config = _config(tensors, found.config or {}, codec.num_codes)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ConversionError(
            f"{' and '.join(found.weights)}: no sizes of a DALL·E mini: {error!s:.200}"
        ) from error
    if codec.token_shape != (config.grid, config.grid):
        raise ConversionError(
            f"{found.codec} has {codec.token_shape} tokens an image, and the model draws "
            f"{config.grid} x {config.grid}; give the codec that it was released with"
        )
    return config


def _config(tensors: Mapping[str, Tensor], stated: Mapping[str, Any], num_codes: int) -> MiniConfig:
    """The sizes, told by the tensors; what they do not tell, by the `config.json`.

    Raises:
        ConversionError: that asks for a variant which is not made here.
    """
    for name, value in _FIXED.items():
        if stated.get(name, value) != value:
            raise ConversionError(
                f"this DALL·E mini has {name} {stated[name]!r}; those with {value!r} are converted"
            )
    text_vocab, width = tensors["encoder.embedding.token.weight"].shape
    heads = int(stated.get("encoder_attention_heads", width // _HEAD_WIDTH))
    if stated.get("decoder_attention_heads", heads) != heads:
        raise ConversionError("its encoder and decoder have different numbers of heads")
    positions = len(tensors["decoder.embedding.position.weight"])
    return MiniConfig(
        text_vocab=text_vocab,
        text_len=len(tensors["encoder.embedding.position.weight"]),
        image_vocab=len(tensors["head.weight"]) - 1,
        num_codes=num_codes,
        start=int(stated.get("decoder_start_token_id", num_codes)),
        grid=round(positions**0.5),
        width=width,
        encoder_layers=_count(tensors, "encoder"),
        decoder_layers=_count(tensors, "decoder"),
        heads=heads,
        ffn=len(tensors["encoder.blocks.0.mlp.gate.weight"]),
        init_std=float(stated.get("init_std", 0.02)),
        scaled_norms="encoder.norm.weight" in tensors,
    )


def _count(tensors: Mapping[str, Tensor], half: str) -> int:
    start = f"{half}.blocks."
    return len({name.split(".")[2] for name in tensors if name.startswith(start)})


def _model(url: str, config: MiniConfig, tensors: Mapping[str, Tensor]) -> Mini:
    with torch.device("meta"):
        model = Mini(config)
    if difference := difference_of(model, tensors):
        raise ConversionError(f"{url} is of another architecture: {difference}")
    model.load_state_dict(dict(tensors), assign=True)
    return model
