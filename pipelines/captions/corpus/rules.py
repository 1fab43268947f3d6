"""The rules that one shard cannot decide: each counts something over all data.

None depends on another: texts and types are counted over the captions that the rules on single
captions leave, n-grams over all captions that are read. So their order decides only which of them
is named as the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from pipelines.captions.corpus.tally import Numbers, Tally, ranks

TEXT_OF_MANY_IMAGES = "text_of_many_images"
RARE_NGRAMS = "rare_ngrams"
RARE_TYPES = "rare_types"


@dataclass(frozen=True)
class DataRule:
    """A rule on counts over all data.

    Args:
        name: key in the recipe, reason and counter of its rejections.
        is_floor: the limit is the least value that passes; else it is the greatest.
        is_ranked: the limit is a rank, 1 for the most frequent thing; else it is a count.
    """

    name: str
    is_floor: bool = False
    is_ranked: bool = False

    def measure(self, counts: Numbers, of_all: Tally) -> Numbers:
        """What the limit is held against, given the histogram of the counts of all things."""
        return ranks(counts, of_all) if self.is_ranked else counts

    def passes(self, measured: Numbers, limit: float) -> npt.NDArray[np.bool_]:
        """Which values are within the limit."""
        return measured >= limit if self.is_floor else measured <= limit


def _by_name(*rules: DataRule) -> Mapping[str, DataRule]:
    return MappingProxyType({rule.name: rule for rule in rules})


DATA_RULES = _by_name(
    # Pictures that share the text kept. Source: Jia et al. 2021 (ALIGN), section 3, above 10
    # images; kakaobrain/coyo-dataset README, above 10 times.
    DataRule(TEXT_OF_MANY_IMAGES),
    # Rank of the rarest word or pair of words. Source: Jia et al. 2021 (ALIGN), section 3, outside
    # the 100 million most frequent unigrams and bigrams of the raw data.
    DataRule(RARE_NGRAMS, is_ranked=True),
    # Mentions of the rarest type of entity. Source: Sharma et al. 2018, section 3, above 100.
    DataRule(RARE_TYPES, is_floor=True),
)
