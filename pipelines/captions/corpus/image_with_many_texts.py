"""An image with very many different texts: each shard decides it alone.

All captions of an image share a shard, since the first digits of a key name the image.
"""

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from dalle_model.shards import image_of
from pipelines.captions.batch import Batch
from pipelines.captions.recount import Row, StageRows
from pipelines.captions.rules.rule import Rule


def num_texts(batch: Batch) -> NDArray[np.float64]:
    """Texts of the caption's image. Source: Jia et al. 2021 (ALIGN), section 3, above 1,000."""
    return batch.texts_of_image


def count_texts(row: Row, rows: StageRows) -> float:
    """The same for one row, from the candidates of its shard."""
    keys = rows.candidates(row["key"])["key"]
    return float(pc.sum(pc.starts_with(keys, image_of(row["key"]))).as_py())


RULE = Rule("image_with_many_texts", num_texts, recount=count_texts)
