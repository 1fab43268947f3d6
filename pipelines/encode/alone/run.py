"""Runs an encoding without a run and without Beam, by one process, by workers or by ranks."""

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.encode.alone.progress import Progress
from pipelines.encode.alone.shards import complete, encode_shard, unfinished
from pipelines.encode.alone.work import Work
from pipelines.encode.alone.workers import encode_in_workers, serve
from pipelines.io.manifest import Manifest


@dataclass(frozen=True)
class Share:
    """The part of the shards that is this command's: those whose number mod `world` is `rank`."""

    rank: int = 0
    world: int = 1

    def of(self, work: Work) -> range:
        """Their numbers."""
        return range(self.rank, work.task.num_shards, self.world)


def run(work: Work, share: Share, num_workers: int, command: Sequence[str]) -> Manifest | None:
    """Encode what is not finished; a command that was ended goes on where it stopped.

    Args:
        work: what is encoded.
        share: what of it.
        num_workers: processes that share it; 1 for this one alone.
        command: that starts a worker.

    Returns:
        The manifest; None where shards of others are still missing.

    Raises:
        FailedWorkerError: a worker has failed, and has said why.
        WorkerError: a worker was killed.
        DalleError: what else stops it, with the command that mends it.
    """
    mine = share.of(work)
    if share.world == 1:  # else leftovers may be what another one is just writing
        work.task.folder.tidy()
    todo = unfinished(work, mine)
    progress = Progress(len(todo), len(mine) - len(todo))
    try:
        if num_workers > 1 and len(todo) > 1:
            encode_in_workers(command, num_workers, todo, progress)
        else:
            _encode_here(work, todo, progress)
    finally:
        progress.end()
    return complete(work)


def _encode_here(work: Work, shards: Sequence[int], progress: Progress) -> None:
    one_thread()
    for index in shards:
        encode_shard(work, index, progress.rows)
        progress.shard()


def work_for_another(work: Work) -> None:
    """Be a worker of a command that does this work."""
    one_thread()
    serve(lambda index, on_rows: encode_shard(work, index, on_rows))


def one_thread() -> None:
    """One torch thread for all of this process.

    Images are scaled in one thread while others are encoded in another. Both pin the number, and
    put back what they found: this is what they find.
    """
    import torch

    torch.set_num_threads(1)


def told(work: Work, manifest: Manifest, copies: Sequence[str]) -> tuple[str, bool]:
    """What has become of the images, in a line, and whether all have tokens.

    Args:
        work: that is done.
        manifest: of all its shards.
        copies: reasons of rows for which another one stands.
    """
    dropped = {why: count for why, count in manifest.rejected.items() if why not in copies}
    num_copies = sum(manifest.rejected.values()) - sum(dropped.values())
    num_images = manifest.rows_out + sum(dropped.values())
    line = f"{manifest.rows_out:,} of {num_images:,} images have tokens, in {work.task.folder.url}"
    if num_copies:
        line += f"; {num_copies:,} more were copies"
    if dropped:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in dropped.items())
        line += f"; dropped: {reasons}; each is a row in {posixpath.dirname(work.task.rejected(0))}"
    return line, not dropped and num_images > 0
