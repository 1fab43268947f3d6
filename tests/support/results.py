"""The result of a shard in one piece, as tests look at it."""

from collections import Counter

import pyarrow as pa

from pipelines.io.finish import rejection_table
from pipelines.io.task import BatchedResult, ShardResult
from pipelines.rejection import Rejection


def whole(result: BatchedResult) -> ShardResult:
    """All batches of a result, added up."""
    batches = list(result.batches)
    passed_over, tallies = Counter[str](), Counter[str]()
    for batch in batches:
        passed_over.update(batch.passed_over)
        tallies.update(batch.tallies)
    return ShardResult(
        kept=pa.concat_tables([result.schema.empty_table(), *(b.kept for b in batches)]),
        rejected=[
            Rejection(**row)
            for batch in batches
            for row in rejection_table(batch.rejected).to_pylist()
        ],
        rows_in=sum(batch.rows_in for batch in batches),
        passed_over=dict(passed_over),
        warnings=[line for batch in batches for line in batch.warnings],
        cpu_s=sum(batch.cpu_s for batch in batches),
        tallies=dict(tallies),
        reused=sum(batch.reused for batch in batches),
        added=sum(batch.added for batch in batches),
    )
