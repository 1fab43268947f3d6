"""A text that very many images share, or nearly: compared by MinHash, without case and spacing.

No image without a caption shares one. The rule goes beyond `text_of_many_images` of Jia et al. 2021
(ALIGN), which sees equal texts alone; the limit is a choice.
"""

import numpy as np

from pipelines.captions.corpus.images import image_numbers, images_of_texts
from pipelines.captions.corpus.items import Items
from pipelines.captions.corpus.minhash import BANDS, band_hashes
from pipelines.captions.corpus.rule import CorpusRule, ShardCaptions
from pipelines.captions.corpus.tally import Tally
from pipelines.text.folding import fold


def band_items(captions: ShardCaptions) -> Items:
    """The bands of each caption as it is kept, so after any rewriting."""
    texts = [fold(text) for text in captions.filtered.texts.to_pylist()]
    where = np.array([number for number, text in enumerate(texts) if text], np.int64)
    bands = band_hashes([texts[number] for number in where.tolist()])
    items = np.repeat(where, BANDS)
    return Items(bands.ravel(), items, lambda item: texts[items[item]])


def band_tally(captions: ShardCaptions) -> Tally:
    """The number of images of each band, of the captions that are left."""
    items = band_items(captions)
    images = image_numbers(captions.keys)[captions.filtered.rows]
    return images_of_texts(items.hashes, images[items.captions])


RULE = CorpusRule("near_text_of_many_images", band_items, band_tally)
