"""The commands about finished token shards, wherever they are from: `dalle shards …`.

In Python they are `dalle.shards.join` and so on. A set is the URL of a folder of token shards, such
as that of the stage `encode`, or of one shard.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestration.engine.progress import Progress, Quiet

if TYPE_CHECKING:
    import pyarrow as pa

    from orchestration.token_sets.checking import CheckedSet
    from orchestration.token_sets.joining import JoinResult
    from orchestration.token_sets.looking import SetInfo, ShardLine


def info(source: str) -> "SetInfo":
    """Describe a set by its footers: codecs, rows, bytes, and bytes of a row against the floor.

    Raises:
        ShardError: it cannot be read, or its shards are of different codecs.
    """
    from orchestration.token_sets.looking import set_info

    return set_info(source)


def ls(source: str) -> "list[ShardLine]":
    """The shards of a set with their rows and bytes; raises as `info`."""
    from orchestration.token_sets.looking import list_lines

    return list_lines(source)


def head(source: str, number: int = 5) -> "pa.Table":
    """The first rows of a set, all columns; raises as `info`.

    Args:
        source: the set.
        number: of rows.
    """
    from orchestration.token_sets.looking import first_rows

    return first_rows(source, number)


def verify(source: str) -> "CheckedSet":
    """Check every byte, page, key and code of a set, and its books where it has a manifest.

    Raises:
        VerificationError: something is wrong; names each file, and what.
        ShardError: there is no shard.
    """
    from orchestration.token_sets.checking import check_set

    return check_set(source)


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
