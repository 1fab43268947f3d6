"""The commands about finished token shards, wherever they are from: `dalle shards …`.

In Python they are `dalle.shards.join` and so on. A set is the URL of a folder of token shards, such
as that of the stage `encode`, or of one shard.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestration.engine.progress import Progress, Quiet

if TYPE_CHECKING:
    from orchestration.token_sets.joining import JoinResult


def join(
    sources: Sequence[str],
    out: str,
    *,
    names: Sequence[str] = (),
    inner: bool = False,
    progress: Progress | None = None,
) -> "JoinResult":
    """Put token sets of the same images side by side: a column of tokens for each codec.

    Rows are those of the first set, found in the others by key and view. An interrupted call goes
    on; until the manifest is there, the folder is not whole.

    Args:
        sources: two sets or more.
        out: URL of the folder to write: empty, or of this very call.
        names: for the second set and each behind it: its tokens are `image_tokens_<name>`. By
            default the names of their codecs.
        inner: whether rows that a set lacks are left out, and not an error.
        progress: receives each shard.

    Raises:
        UsageError: rows are missing, two columns would have one name, or the folder holds anything.
        ShardError: a set cannot be read, or a row's crop differs; names the row.
    """
    from orchestration.token_sets.joining import join_sets

    follow = progress or Quiet()
    with follow.stage("join"):
        return join_sets(sources, out, names, inner=inner, progress=follow)
