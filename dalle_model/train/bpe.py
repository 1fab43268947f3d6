"""The text tokenizer of a run, trained on the captions of its token shards."""

from typing import Any

from dalle_model.shards import read_shards
from dalle_model.vocab import CaptionTokenizer, train_bpe


def train_bpe_from_shards(shard_urls: list[str], out_url: str, vocab_size: int) -> dict[str, Any]:
    """Train a tokenizer on all captions of some shards, each once, and write it.

    Args:
        shard_urls: token shards of one codec.
        out_url: the JSON file to write.
        vocab_size: upper bound, special tokens and bytes included.

    Returns:
        `captions` (their number), `vocab_size` (as reached), `tokens_per_caption` (mean), `sha256`.

    Raises:
        ShardError: a shard cannot be read.
        VocabError: `vocab_size` is too small.
    """
    table = read_shards(shard_urls, ["key", "caption"])
    pairs = zip(table["key"].to_pylist(), table["caption"].to_pylist(), strict=True)
    captions = list(dict(pairs).values())  # a row of every view of the image has it
    tokenizer = CaptionTokenizer(train_bpe(captions, vocab_size), out_url)
    tokenizer.save(out_url)
    num_tokens = sum(len(tokenizer.encode(caption)) for caption in captions)
    return {
        "captions": len(captions),
        "vocab_size": tokenizer.size,
        "tokens_per_caption": num_tokens / max(1, len(captions)),
        "sha256": tokenizer.sha256,
    }
