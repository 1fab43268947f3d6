"""Whether work is still wanted: a job that was ended may go on where it runs, and must not write.

Not every runner ends a job that is told to. Beam's job server for Flink says `CANCELLED` and leaves
Flink's own job running. So the record of the job in the run directory decides: where it is gone, or
another job's, the workers stop.
"""

import asyncio
from collections.abc import Awaitable

from dalle_model import files
from dalle_model.errors import DalleError
from pipelines.io.layout import RunFolder
from pipelines.io.task import StageTask

CHECK_S = 5.0  # between two looks in long work; chosen: hosts are not asked much longer


class NotWantedError(DalleError):
    """The job that does some work was ended."""


def check_wanted(task: StageTask) -> None:
    """Refuse work of a job that was ended; it costs one request, and none on this machine.

    Raises:
        NotWantedError: the run directory knows no job, or another one.
    """
    if task.job and _current_key(task.root) != task.job:
        raise NotWantedError(
            f"{task.root}: this job was ended, so it writes nothing more of {task.stage}; "
            f"`dalle status --dir {task.root}` shows what there is"
        )


def check_while_working(task: StageTask) -> None:
    """The same in the middle of long work, which a store that does not answer does not end."""
    try:
        check_wanted(task)
    except NotWantedError:
        raise
    except Exception:  # noqa: BLE001 - a store that does not answer now is asked again soon
        return


async def while_wanted(work: Awaitable[None], task: StageTask) -> None:
    """Do long work that writes little, and stop in its middle when its job is ended.

    Raises:
        NotWantedError: as `check_wanted`, with the work cancelled.
        Exception: what the work raises.
    """
    doing = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({doing}, timeout=CHECK_S))[0]:
            await asyncio.to_thread(check_while_working, task)
    except BaseException:
        doing.cancel()
        await asyncio.wait({doing})
        raise
    await doing


def _current_key(root: str) -> str | None:
    try:
        return str(files.read_json(RunFolder(root).job)["key"])
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
