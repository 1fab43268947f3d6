import numpy as np
import pyarrow.compute as pc

from dalle_model.pixels import from_stored
from dalle_model.shards import image_of, list_shards, read_shards
from dalle_model.tokenizers.registry import load_codec
from tools.small_world.choose import WORLD
from tools.small_world.decode import decoded


def test_pairs_that_no_training_holds_out_are_decoded_with_their_captions():
    rows = read_shards(list_shards(str(WORLD.parent / "train"))).slice(0, 100)
    codec = load_codec("demo")
    kept = [row for row in rows.to_pylist() if image_of(row["key"])[-1] != "f"]
    assert 0 < len(kept) < 100
    found = list(decoded(rows, codec))
    assert [caption for _, caption in found] == [row["caption"] for row in kept]
    codes = rows.filter(pc.equal(rows["key"], kept[-1]["key"]))["image_tokens"].to_pylist()
    expected = codec.decode(np.array(codes, np.uint16))[0]
    assert (from_stored(found[-1][0]) == expected).all()
