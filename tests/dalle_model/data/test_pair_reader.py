import numpy as np
import torch

from dalle_model.data.pair_reader import PairReader
from dalle_model.data.reader import steps
from dalle_model.data.torch import TokenLoader, TokenStream
from tests.support.pairs import training_pairs


def reader_of(folder, seed=0):
    pairs = training_pairs(folder, 40, max_shift=2)
    return PairReader(pairs.images.reader, pairs.captions, seed), pairs


def test_a_caption_is_one_of_its_image_and_all_come_in_some_epoch(tmp_path):
    reader, pairs = reader_of(tmp_path)
    rows = len(pairs.images.train)
    batch = reader.read(range(12 * rows))
    seen: dict[str, set[str]] = {}
    for key, caption in zip(batch["key"], batch["caption"], strict=True):
        seen.setdefault(key, set()).add(caption)
    assert seen == {key: set(pairs.captions[key]) for key in pairs.images.train.keys}
    other = reader_of(tmp_path, seed=1)[0].read(range(rows))["caption"]
    assert batch["caption"][:rows] != other


def test_a_batch_is_a_function_of_its_position_whoever_reads_it(tmp_path):
    reader, _ = reader_of(tmp_path)
    straight = list(reader.stream(steps(0, 6, 60)))
    again = next(reader.stream(steps(36, 6, 60)))
    assert again["caption"] == straight[6]["caption"]
    assert np.array_equal(again["image"], straight[6]["image"])
    loaded = [b for _, b in zip(range(4), TokenLoader(TokenStream(reader, 6), 2), strict=False)]
    assert [b["caption"] for b in loaded] == [b["caption"] for b in straight[:4]]
    assert torch.equal(loaded[3]["image"], torch.from_numpy(straight[3]["image"]))
