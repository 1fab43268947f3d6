"""What filtering makes of captions: those kept with their texts, and one failure for each other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_ROW = pa.field("row", pa.int64(), nullable=False)
FAILURE_SCHEMA = pa.schema(
    [
        _ROW,
        pa.field("reason", pa.string(), nullable=False),
        pa.field("measured", pa.float64()),
        pa.field("threshold", pa.float64()),
        pa.field("detail", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True)
class FilterResult:
    """The captions of a batch or a shard after filtering.

    Args:
        rows: int64 `[kept]`, which captions passed, ascending.
        texts: what is kept of them, `[kept]`.
        languages: ISO 639 codes, `[kept]`; `und` where undetermined.
        types: of the entities that the rewriting resolved, a list for each, `[kept]`.
        failures: in `FAILURE_SCHEMA`, one row for each of the others, in the order of the funnel.
    """

    rows: NDArray[np.int64]
    texts: pa.StringArray | pa.ChunkedArray
    languages: pa.StringArray | pa.ChunkedArray
    types: pa.ListArray | pa.ChunkedArray
    failures: pa.Table

    def is_kept(self, num_captions: int) -> NDArray[np.bool_]:
        """The captions of `rows` as a mask, bool `[num_captions]`."""
        mask = np.zeros(num_captions, np.bool_)
        mask[self.rows] = True
        return mask

    def shifted(self, by: int) -> Self:
        """The same for a batch whose first caption is number `by`."""
        rows = pa.array(self.failures["row"].to_numpy() + by)
        return replace(self, rows=self.rows + by, failures=self.failures.set_column(0, _ROW, rows))

    def without(self, dropped: NDArray[np.int64], failures: pa.Table) -> Self:
        """The same with fewer captions kept.

        Args:
            dropped: indices into `rows`.
            failures: of these, in `FAILURE_SCHEMA`.
        """
        is_left = np.ones(len(self.rows), np.bool_)
        is_left[dropped] = False
        mask = pa.array(is_left)
        return replace(
            self,
            rows=self.rows[is_left],
            texts=self.texts.filter(mask),
            languages=self.languages.filter(mask),
            types=self.types.filter(mask),
            failures=pa.concat_tables([self.failures, failures]),
        )


def concatenate(parts: Sequence[FilterResult]) -> FilterResult:
    """The results of consecutive batches as one."""
    return FilterResult(
        rows=np.concatenate([part.rows for part in parts]),
        texts=pa.chunked_array([part.texts for part in parts]),
        languages=pa.chunked_array([part.languages for part in parts]),
        types=pa.chunked_array([part.types for part in parts]),
        failures=pa.concat_tables([part.failures for part in parts]),
    )


def failure_rows(
    reason: str,
    rows: NDArray[np.int64],
    measured: NDArray[np.float64],
    limit: float,
    details: Sequence[str] | None,
) -> pa.Table:
    """Captions that fail one rule, in `FAILURE_SCHEMA`."""
    columns = [
        pa.array(rows),
        pa.repeat(reason, len(rows)),
        pa.array(measured),
        pa.repeat(limit, len(rows)),
        pa.repeat("", len(rows)) if details is None else pa.array(details, pa.string()),
    ]
    return pa.table(columns, schema=FAILURE_SCHEMA)
