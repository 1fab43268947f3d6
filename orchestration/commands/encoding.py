"""The commands about codecs: images to tokens in one line, and released weights."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dalle_model.errors import DalleError
from orchestration.engine.progress import Progress
from orchestration.engine.registry import registry
from orchestration.work import read_config, run_and_report, work_of
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest
from pipelines.records import ROWS_MISSING

if TYPE_CHECKING:
    from dalle_model.mini.convert import ConvertedMini
    from dalle_model.tokenizers.codec import CodecFacts


class MissingTokensError(DalleError):
    """Some images have no tokens: how many, for which reasons, and how to see which."""


@dataclass(frozen=True)
class EncodeResult:
    """The tokens of some images.

    Args:
        directory: URL of the run directory, which a second call goes on with.
        tokens: URL of the folder of token shards.
        num_images: different ones that were found, or those of the shards whose crops were taken.
        num_encoded: those that have tokens.
        num_copies: further files that hold one of them; 0 where crops were taken.
    """

    directory: str
    tokens: str
    num_images: int
    num_encoded: int
    num_copies: int

    def __str__(self) -> str:
        also = f"; {self.num_copies:,} more were copies" if self.num_copies else ""
        return (
            f"tokens   {self.tokens}\n"
            f"         {self.num_encoded:,} of {self.num_images:,} images have tokens{also}"
        )


def encode(
    source: str,
    out: str,
    codec: str = "demo",
    *,
    like: str = "",
    workers: int | None = None,
    profile: str = "",
    progress: Progress | None = None,
    replaces: bool = False,
) -> EncodeResult:
    """Take every image of a source to tokens: a run without filters, from a config of its own.

    A second call goes on where the first one ended, and encodes what is new.

    Args:
        source: a folder of images, tars of WebDataset, or Parquet with images or their URLs.
        out: directory of the run, a folder or a URL; its folder `encode` holds the token shards.
        codec: name of a codec, or the URL of its weights.
        like: a folder of token shards, or their run, whose rows and crops are taken, so that tokens
            of two codecs are of the same pixels; empty for the centre of every image.
        workers: as for `run`.
        profile: as for `run`.
        progress: receives the events; none by default.
        replaces: whether a finished run in the directory may be replaced.

    Raises:
        MissingTokensError: some images have none.
        UsageError: an argument is wrong, or there is no image.
        DalleError: whatever else stops a run, with the command that fixes it.
    """
    from orchestration.engine.first_config import config_for_tokens

    settings = read_config(config_for_tokens(source, codec, like))
    work = work_of(settings, out, workers, profile, replaces=replaces)
    result = run_and_report(work, (), progress)
    first, last = result.manifests[0], result.manifests[-1]
    dropped = _dropped_like(last) if like else dict(_dropped(result.manifests))
    num_images = last.rows_kept + sum(dropped.values())
    found = EncodeResult(
        directory=result.directory,
        tokens=RunFolder(result.directory).stage(last.stage).url,
        num_images=num_images,
        num_encoded=last.rows_kept,
        num_copies=0 if like else first.rows_in - num_images,
    )
    if dropped:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in dropped.items())
        raise MissingTokensError(
            f"{found.num_encoded:,} of {found.num_images:,} images have tokens, in "
            f"{found.tokens}; dropped: {reasons}; {result.report} shows some of each, and "
            f"`dalle explain NAME --dir {shlex.quote(result.directory)}` tells of one"
        )
    return found


def convert(sources: Sequence[str], out: str, *, size: str = "") -> "CodecFacts | ConvertedMini":
    """Convert the files of a released model to a checkpoint; says of what codes.

    Args:
        sources: the files of a codec, as `dalle_model.tokenizers.convert` takes them, or those of a
            DALL·E mini, as `dalle_model.mini.convert` does.
        out: URL of the checkpoint.
        size: of a codec's images: an edge in pixels, or `HEIGHTxWIDTH`.

    Raises:
        ConversionError: a file cannot be converted, or an argument makes no sense.
    """
    from dalle_model.mini.convert import convert_mini, is_mini
    from dalle_model.tokenizers.convert import convert as converted
    from dalle_model.tokenizers.pickles import ConversionError

    if not is_mini(sources):
        return converted(sources, out, size)
    if size:
        raise ConversionError("a DALL·E mini has the size of its codec; leave --size out")
    return convert_mini(sources, out)


def _dropped(manifests: Sequence[Manifest]) -> Iterable[tuple[str, int]]:
    """How many images have no tokens for which reason of which stage."""
    for manifest in manifests:
        for reason, count in sorted(manifest.rejected.items()):
            if reason not in registry()[manifest.stage].copies:
                yield f"{manifest.stage} {reason}", count


def _dropped_like(last: Manifest) -> dict[str, int]:
    """How many of the rows that were asked for have no tokens, for which reasons."""
    unasked = registry()[last.stage].unasked
    found = {
        f"{last.stage} {reason}": count
        for reason, count in sorted(last.rejected.items())
        if reason not in unasked
    }
    missing = last.metrics.get(ROWS_MISSING, 0)
    return found | ({"not among the images": missing} if missing else {})
