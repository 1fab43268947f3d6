"""Rules that only a rewritten caption can fail."""

import numpy as np
from numpy.typing import NDArray

from pipelines.captions.batch import Batch
from pipelines.captions.rules.rule import Rule


def unresolved_names(batch: Batch) -> NDArray[np.float64]:
    """Names that the rewriting found no type for and could not leave out either.

    Source: Sharma et al. 2018, section 3, drops what its transformation leaves too short or
    inconsistent, a fifth of all; a name among types is read here as inconsistent.
    """
    return batch.unresolved


RULES = (Rule("unresolved_names", unresolved_names),)
