import random
from pathlib import Path

import pytest

from dalle_model.vocab import CaptionTokenizer, VocabError, train_bpe

CAPTIONS = ["a red apple on a table", "the red moon", "green cactus", "a red apple"] * 3


@pytest.fixture(scope="module")
def tokenizer() -> CaptionTokenizer:
    return CaptionTokenizer(train_bpe(CAPTIONS, 300))


def test_order_of_captions_does_not_matter() -> None:
    shuffled = CAPTIONS.copy()
    random.Random(0).shuffle(shuffled)
    assert train_bpe(shuffled, 300) == train_bpe(CAPTIONS, 300)


def test_case_does_not_matter(tokenizer: CaptionTokenizer) -> None:
    assert tokenizer.encode("A RED Apple") == tokenizer.encode("a red apple")


@pytest.mark.parametrize("caption", ["a red apple", "naïve café №7", "日本の旗", "🌵 + 🎸", ""])
def test_every_text_comes_back(tokenizer: CaptionTokenizer, caption: str) -> None:
    ids = tokenizer.encode(caption)
    assert tokenizer.decode(ids) == caption.lower()
    assert all(0 <= token < tokenizer.size for token in ids)


def test_frequent_words_become_one_token(tokenizer: CaptionTokenizer) -> None:
    assert len(tokenizer.encode("red apple")) == 2


def test_dropout_is_seeded_and_keeps_the_text(tokenizer: CaptionTokenizer) -> None:
    caption = "a red apple on a green table"
    drawn = [tokenizer.encode(caption, dropout=0.5, seed=seed) for seed in range(8)]
    assert drawn == [tokenizer.encode(caption, dropout=0.5, seed=seed) for seed in range(8)]
    assert len({tuple(ids) for ids in drawn}) > 1
    assert {tokenizer.decode(ids) for ids in drawn} == {caption}


@pytest.mark.parametrize("caption", [*CAPTIONS[:3], "Grüße, red-apple!  42"])
def test_own_merging_equals_the_librarys(tokenizer: CaptionTokenizer, caption: str) -> None:
    assert tokenizer.encode(caption, dropout=1e-12) == tokenizer.encode(caption)


def test_full_dropout_leaves_bytes(tokenizer: CaptionTokenizer) -> None:
    assert len(tokenizer.encode("red apple", dropout=1.0)) == len(" red apple")


def test_batch_is_framed_padded_and_cut(tokenizer: CaptionTokenizer) -> None:
    ids = tokenizer.encode("a red apple on a table")
    pad = tokenizer.size
    batch = tokenizer.encode_batch(["a red apple on a table", ""], text_len=5, pad_id=pad)
    assert batch.tolist() == [[0, *ids[:3], 1], [0, pad, pad, pad, 1]]


def test_what_a_batch_leaves_out_is_told(tokenizer: CaptionTokenizer) -> None:
    caption = "A Red Apple on a TABLE 猫"
    ids = tokenizer.encode(caption)
    found = tokenizer.cut(caption, text_len=5)
    assert found is not None
    assert (found.num_tokens, found.num_read) == (len(ids), 3)
    assert tokenizer.decode(ids[:3]) + " " + found.left_out.lower() == caption.lower()
    assert found.left_out == "on a TABLE 猫"


def test_a_caption_that_just_fits_is_not_cut(tokenizer: CaptionTokenizer) -> None:
    length = len(tokenizer.encode("a red apple on a table"))
    assert tokenizer.cut("a red apple on a table", length + 2) is None
    assert tokenizer.cut("a red apple on a table", length + 1) == (length, length - 1, "table")
    assert tokenizer.cut("", 2) is None


def test_frame_needs_room_and_a_free_pad_id(tokenizer: CaptionTokenizer) -> None:
    with pytest.raises(VocabError, match="text_len is 1"):
        tokenizer.encode_batch(["a"], text_len=1, pad_id=999)
    with pytest.raises(VocabError, match="outside the vocabulary"):
        tokenizer.encode_batch(["a"], text_len=8, pad_id=5)


def test_too_small_a_vocabulary_is_refused() -> None:
    with pytest.raises(VocabError, match="needs 258 entries, got 100"):
        train_bpe(CAPTIONS, 100)


def test_file_comes_back(tokenizer: CaptionTokenizer, tmp_path: Path) -> None:
    url = str(tmp_path / "bpe.json")
    tokenizer.save(url)
    assert CaptionTokenizer.load(url).sha256 == tokenizer.sha256


@pytest.mark.parametrize("content", [b"", b"{}", b'{"model": {"merges": []}}', b"\xff\x00"])
def test_other_files_are_refused_by_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bpe.json"
    path.write_bytes(content)
    with pytest.raises(VocabError, match=r"bpe\.json is not a caption tokenizer.*dalle train bpe"):
        CaptionTokenizer.load(str(path))


def test_missing_file_is_told() -> None:
    with pytest.raises(VocabError, match=r"nowhere/bpe\.json is missing"):
        CaptionTokenizer.load("nowhere/bpe.json")
