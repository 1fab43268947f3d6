import json
from pathlib import Path

import numpy as np
import pytest
from tokenizers import pre_tokenizers

from dalle_model.mini.text import MiniTokenizer, bart_bpe
from dalle_model.vocab import VocabError, train_bpe
from tests.support.min_dalle import TextTokenizer

MERGES = ["Ġ a", "Ġ t", "h e", "Ġt he", "Ġ d", "o g", "Ġd og", "i n", "r e", "Ġ re", "Ġre d", "' s"]
CAPTIONS = [
    "a red dog, in the (old) inn",
    "the dog's tail",
    "3 dogs & 1 hen: $5.00",
    "",
    "don't lean thehe",
]


@pytest.fixture
def bart(tmp_path):
    """A small vocabulary and merges in the layout of BART's."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *alphabet, *(m.replace(" ", "") for m in MERGES)]
    (tmp_path / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + "\n".join(MERGES) + "\n")
    return str(tmp_path / "vocab.json"), str(tmp_path / "merges.txt")


def test_ids_are_those_of_min_dalle(bart):
    vocab = json.loads(Path(bart[0]).read_text())
    theirs = TextTokenizer(vocab, MERGES)
    ours = MiniTokenizer(bart_bpe(*bart))
    rows = ours.encode_batch(CAPTIONS, text_len=40, pad_id=1)
    assert ours.size == len(vocab)
    for caption, row in zip(CAPTIONS, rows, strict=True):
        ids = theirs.tokenize(caption)
        assert row.tolist() == ids + [1] * (40 - len(ids))


def test_of_a_long_caption_the_beginning_is_read_and_the_end_stays(bart):
    ours = MiniTokenizer(bart_bpe(*bart))
    (long,) = ours.encode_batch(["the dog " * 9], 8, 1)
    (whole,) = ours.encode_batch(["the dog the dog the dog"], 8, 1)
    assert long.tolist() == whole.tolist()
    assert long[-1] == 2
    with pytest.raises(VocabError, match="text_len is 1"):
        ours.encode_batch(["a"], 1, 1)


def test_captions_are_normalised_where_asked_but_not_the_empty_one(bart):
    content = bart_bpe(*bart)
    plain, normalising = MiniTokenizer(content), MiniTokenizer(content, normalises=True)
    np.testing.assert_array_equal(
        normalising.encode_batch(["The RED <b>dog</b>!", ""], 12, 1),
        plain.encode_batch(["the red dog", ""], 12, 1),
    )


def test_a_tokenizer_of_a_run_frames_captions_by_its_own_tokens():
    content = train_bpe(["a red dog", "a dog"], 280)
    ours = MiniTokenizer(content)
    (row,) = ours.encode_batch(["A dog"], 12, ours.size)
    count = (row != ours.size).sum()
    assert [row[0], row[count - 1]] == [0, 1]  # of `SPECIAL_TOKENS`
    assert (row[count:] == ours.size).all()


@pytest.mark.parametrize("content", ["[]", "{", '{"<s>": 0}'])
def test_files_that_are_something_else_are_refused(bart, tmp_path, content):
    (tmp_path / "vocab.json").write_text(content)
    with pytest.raises(VocabError, match="vocabulary and merges of BART"):
        MiniTokenizer(bart_bpe(*bart))
