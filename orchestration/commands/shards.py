"""The commands about finished token shards, wherever they are from: `dalle shards …`.

In Python they are `dalle.shards.join` and so on. A set is the URL of a folder of token shards, such
as that of the stage `encode`, or of one shard.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestration.engine.progress import Progress, Quiet

if TYPE_CHECKING:
    import pyarrow as pa

    from orchestration.token_formats.exporting import TokenExport
    from orchestration.token_formats.importing import TokenImport
    from orchestration.token_sets.checking import CheckedSet
    from orchestration.token_sets.comparing import SetDifference
    from orchestration.token_sets.joining import JoinResult
    from orchestration.token_sets.looking import SetInfo, ShardLine
    from orchestration.token_sets.measuring import MeasuredSet
    from orchestration.token_sets.packing import PackResult
    from orchestration.token_sets.resharding import ReshardResult


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


def reshard(
    source: str, out: str, *, rows: int = 65_536, progress: Progress | None = None
) -> "ReshardResult":
    """Write a set anew with another number of rows a shard; an interrupted call goes on.

    Args:
        source: the set.
        out: URL of the folder to write: empty, or of this very call.
        rows: of a shard, about: they go by the hash of their keys.
        progress: receives each shard.

    Raises:
        UsageError: the folder holds something else.
        ShardError: the set cannot be read, or a row is there twice.
    """
    from orchestration.token_sets.resharding import write_anew

    follow = progress or Quiet()
    with follow.stage("reshard"):
        return write_anew("reshard", [source], out, rows, progress=follow)


def merge(
    sources: Sequence[str],
    out: str,
    *,
    rows: int = 65_536,
    drops_copies: bool = False,
    progress: Progress | None = None,
) -> "ReshardResult":
    """Write the rows of several sets of one codec as one set; an interrupted call goes on.

    Args:
        sources: the sets, whose columns are the same.
        out: URL of the folder to write: empty, or of this very call.
        rows: of a shard, about.
        drops_copies: whether of rows with one key and view the first is kept, by the order of the
            sets, and it is not an error.
        progress: receives each shard.

    Raises:
        UsageError: the folder holds something else.
        ShardError: a set cannot be read, two are of different codecs or columns, or a row is there
            twice; names it.
    """
    from orchestration.token_sets.resharding import write_anew

    follow = progress or Quiet()
    with follow.stage("merge"):
        return write_anew("merge", sources, out, rows, drops_copies=drops_copies, progress=follow)


def diff(source: str, other: str) -> "SetDifference":
    """Compare two sets by key and view: rows of one alone, and codes and crops that differ.

    Raises:
        ShardError: one cannot be read, or a row is twice in it.
    """
    from orchestration.token_sets.comparing import compare_sets

    return compare_sets(source, other)


def pack(source: str, out: str, *, progress: Progress | None = None) -> "PackResult":
    """Write a set with ceil(log2 of their number) bits a code; an interrupted call goes on.

    All that reads token shards here reads packed ones; others need ten lines for it.

    Args:
        source: the set.
        out: URL of the folder to write: empty, or of this very call.
        progress: receives each shard.

    Raises:
        UsageError: rows have token shapes of their own, or the folder holds something else.
        ShardError: the set cannot be read.
    """
    from orchestration.token_sets.packing import pack_set

    follow = progress or Quiet()
    with follow.stage("pack"):
        return pack_set(source, out, follow)


def unpack(source: str, out: str, *, progress: Progress | None = None) -> "PackResult":
    """Write a packed set as stages write them: the shards that were packed, to the byte.

    Takes, returns and raises as `pack`.
    """
    from orchestration.token_sets.packing import unpack_set

    follow = progress or Quiet()
    with follow.stage("unpack"):
        return unpack_set(source, out, follow)


def stats(
    source: str,
    *,
    column: str = "image_tokens",
    images: str = "",
    codec: str = "",
    progress: Progress | None = None,
) -> "MeasuredSet":
    """Measure the codes of a set: use, entropy by position, constant images, copies, drift, PSNR.

    Args:
        source: the set.
        column: of the tokens; joined sets have several.
        images: URL of the folder `images` of the run whose images were encoded, for the PSNR of the
            first rows; without it there is none.
        codec: name or URL of the weights, for the PSNR; by default the codec that ships with the
            package, where the tokens are of it.
        progress: receives each shard.

    Raises:
        UsageError: no such column or images, or another codec than that of the tokens.
        ShardError: the set cannot be read.
    """
    from orchestration.token_sets.measuring import measure_set

    follow = progress or Quiet()
    with follow.stage("stats"):
        return measure_set(source, column, images, codec, follow)


def decode(
    source: str,
    out: str,
    *,
    codec: str = "",
    column: str = "image_tokens",
    number: int = 32,
) -> str:
    """Decode the first rows of a set, as one PNG with their captions or as a folder of PNGs.

    Args:
        source: the set.
        out: URL to write: a sheet where it ends with `.png`, else a folder of `<key>.png`.
        codec: name or URL of the weights; by default the codec that ships with the package, where
            the tokens are of it.
        column: of the tokens; joined sets have several.
        number: of rows.

    Returns:
        `out`.

    Raises:
        UsageError: another codec than that of the tokens, or no such column.
        ShardError: the set cannot be read, or holds no row.
    """
    from orchestration.token_sets.decoding import decode_set

    return decode_set(source, out, codec, column, number)


def export(
    name: str,
    source: str,
    out: str,
    *,
    column: str = "image_tokens",
    classes: str = "",
    progress: Progress | None = None,
) -> "TokenExport":
    """Write a set in the format of another program; an interrupted call goes on.

    Args:
        name: of the format, such as `hf` or `webdataset` (docs/token-formats.md has all).
        source: the set.
        out: URL of the folder to write: empty, or of this very call.
        column: of the tokens, of a format that takes those of one codec.
        classes: of a format with classes, a column of whole numbers, or one number for all.
        progress: receives each shard.

    Raises:
        UsageError: no such format, one that does not hold what the set is, or the folder holds
            something else.
        ShardError: the set cannot be read, or holds no row.
    """
    from orchestration.token_formats.exporting import export_set

    follow = progress or Quiet()
    with follow.stage(f"export {name}"):
        return export_set(name, source, out, column=column, classes=classes, progress=follow)


def import_(
    name: str,
    source: str,
    out: str,
    *,
    codec: str = "",
    num_codes: int = 0,
    token_shape: str = "",
    column: str = "",
    progress: Progress | None = None,
) -> "TokenImport":
    """Make a token set of tokens in the format of another program; an interrupted call goes on.

    Args:
        name: of the format.
        source: URL of the folder or file.
        out: URL of the folder to write: empty, or of this very call.
        codec: that made the tokens, by name or by the URL of its weights. Sources that `export`
            has written say themselves what their codes are.
        num_codes: of the codec, where it is not at hand.
        token_shape: of an image, likewise: `16x16`, or `32`.
        column: of the codes in tables; by default the usual one of the format.
        progress: receives each shard.

    Raises:
        UsageError: no such format, the source is not in it, its codes are not what is said, or the
            folder holds something else.
    """
    from orchestration.token_formats.importing import Stated, import_set

    follow = progress or Quiet()
    stated = Stated(codec, num_codes, token_shape)
    with follow.stage(f"import {name}"):
        return import_set(name, source, out, stated, column=column, progress=follow)
