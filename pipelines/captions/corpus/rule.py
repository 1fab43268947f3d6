"""What a rule over all data is: it counts things, and drops the captions with the wrong ones.

None depends on another: what is counted are the captions that the rules on single captions leave,
or all that are read. So the order of the rules decides only which is named as the reason.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.captions.batch import ColumnSpec
from pipelines.captions.corpus.items import Items
from pipelines.captions.corpus.tally import Numbers, Tally, ranks
from pipelines.captions.recount import Recount
from pipelines.captions.result import FilterResult
from pipelines.captions.rules.rule import no_versions
from pipelines.captions.settings import Settings


@dataclass(frozen=True, eq=False)
class ShardCaptions:
    """The captions of one shard, as rules over all data see them.

    Args:
        keys: of all captions, string `[captions]`.
        raw: all captions as found, string `[captions]`.
        filtered: which of them are left, and as what.
        spec: how the columns of a batch are derived.
        max_raw_chars: longer captions are not read.
    """

    keys: pa.ChunkedArray
    raw: pa.ChunkedArray
    filtered: FilterResult
    spec: ColumnSpec
    max_raw_chars: float


@dataclass(frozen=True)
class CorpusRule:
    """A rule on counts over all data.

    Args:
        name: key in the recipe, reason and counter of its rejections.
        items: the counted things in each caption that is left; one beyond the limit drops it.
        tally: what a shard adds to the counts; None counts the items of the captions left.
        is_floor: the limit is the least value that passes; else it is the greatest.
        is_ranked: the limit is a rank, 1 for the most frequent thing; else it is a count.
        versions: name -> version or sha256 of each model and word list that it uses.
        recount: counts the value of one kept row again; None where that would mean all the work.
    """

    name: str
    items: Callable[[ShardCaptions], Items]
    tally: Callable[[ShardCaptions], Tally] | None = None
    is_floor: bool = False
    is_ranked: bool = False
    versions: Callable[[Settings], dict[str, str]] = no_versions
    recount: Recount | None = None

    def count(self, captions: ShardCaptions) -> Tally:
        """What a shard adds to the counts over all data."""
        return self.tally(captions) if self.tally else Tally.of(self.items(captions).hashes)

    def measure(self, counts: Numbers, of_all: Tally) -> Numbers:
        """What is compared with the limit, given the histogram of the counts of all things."""
        return ranks(counts, of_all) if self.is_ranked else counts

    def passes(self, measured: Numbers, limit: float) -> npt.NDArray[np.bool_]:
        """Which values are within the limit."""
        return measured >= limit if self.is_floor else measured <= limit
