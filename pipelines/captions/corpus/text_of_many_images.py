"""A text that very many images share; images without a caption share none.

Source: Jia et al. 2021 (ALIGN), section 3, above 10 images; kakaobrain/coyo-dataset README, above
10 times.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dalle_model.shards import IMAGE_DIGITS
from pipelines.captions.corpus.hashes import hash_texts
from pipelines.captions.corpus.images import image_numbers, images_of_texts
from pipelines.captions.corpus.items import Items
from pipelines.captions.corpus.rule import CorpusRule, ShardCaptions
from pipelines.captions.corpus.tally import Tally
from pipelines.captions.recount import Row, StageRows


def text_items(captions: ShardCaptions) -> Items:
    """One item a caption: the whole text as it is kept, so after any rewriting."""
    texts, where = _texts_left(captions)
    return Items(hash_texts(texts), where, lambda item: texts[item])


def text_tally(captions: ShardCaptions) -> Tally:
    """The number of images of each text that is left."""
    texts, where = _texts_left(captions)
    images = image_numbers(captions.keys)[captions.filtered.rows[where]]
    return images_of_texts(hash_texts(texts), images)


def images_of_text(captions: pa.Table, text: str) -> set[str]:
    """The images that keep a text, of the columns `key` and `caption` of a shard."""
    keys = captions.filter(pc.equal(captions["caption"], text))["key"]
    return set(pc.utf8_slice_codeunits(keys, 0, IMAGE_DIGITS).to_pylist())


def count_images(row: Row, rows: StageRows) -> float:
    """The images that keep a row's text; an image is in one shard, so the shards' images add up."""
    if not row["caption"]:
        return 0.0
    return float(sum(len(images_of_text(shard, row["caption"])) for shard in rows.kept()))


def _texts_left(captions: ShardCaptions) -> tuple[list[str], NDArray[np.int64]]:
    """The texts that are left and not empty, and which of those that are left they are."""
    where = np.flatnonzero(pc.not_equal(captions.filtered.texts, ""))
    return captions.filtered.texts.take(pa.array(where)).to_pylist(), where


RULE = CorpusRule("text_of_many_images", text_items, text_tally, recount=count_images)
