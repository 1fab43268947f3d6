"""Values of a row that its caption alone cannot tell: counted again in the shards of the stage."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import pyarrow as pa

Row = Mapping[str, Any]


class StageRows(Protocol):
    """The rows around one row of a finished captions stage."""

    def candidates(self, key: str) -> pa.Table:
        """Columns `key` and `caption` of all candidates in the shard of a key."""

    def kept(self) -> Iterator[pa.Table]:
        """Columns `key` and `caption` of all rows kept, shard by shard."""


Recount = Callable[[Row, StageRows], float]
