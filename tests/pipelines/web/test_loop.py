import asyncio
import resource
import subprocess
import sys
import threading

import pytest

from pipelines.web.loop import run


async def _name():
    return threading.current_thread().name


def test_work_is_done_in_one_thread_whoever_asks():
    found = [run(_name())]
    thread = threading.Thread(target=lambda: found.append(run(_name())))
    thread.start()
    thread.join()
    assert found == ["web", "web"]


def test_threads_that_come_first_together_share_one_loop():
    """In a process of its own, where no loop runs yet."""
    script = (
        "import asyncio, sys, threading\n"
        "from pipelines.web.loop import run\n"
        "sys.setswitchinterval(1e-6)\n"
        "all_in, loops = threading.Barrier(16), []\n"
        "async def loop(): return id(asyncio.get_running_loop())\n"
        "def ask():\n"
        "    all_in.wait()\n"
        "    loops.append(run(loop()))\n"
        "threads = [threading.Thread(target=ask) for _ in range(16)]\n"
        "[thread.start() for thread in threads]\n"
        "[thread.join() for thread in threads]\n"
        "print(len(loops), len(set(loops)))\n"
    )
    command = [sys.executable, "-c", script]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.split() == ["16", "1"]


def test_the_process_may_open_as_many_files_as_connections_need():
    run(_name())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == resource.RLIM_INFINITY or soft >= min(16_384, hard)


def test_what_the_work_raises_comes_out():
    async def broken():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(broken())


def test_an_interrupt_of_the_wait_cancels_the_work(monkeypatch):
    cancelled, began = threading.Event(), threading.Event()

    async def work():
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    def result(_):
        began.wait(10)
        raise KeyboardInterrupt

    monkeypatch.setattr("concurrent.futures.Future.result", result)
    with pytest.raises(KeyboardInterrupt):
        run(work())
    assert cancelled.wait(10)


def test_others_go_on_while_one_waits():
    waits, may_end = threading.Event(), []

    async def wait():
        may_end.append(asyncio.Event())
        waits.set()
        await may_end[0].wait()

    async def let_it_end():
        may_end[0].set()

    thread = threading.Thread(target=lambda: run(wait()))
    thread.start()
    assert waits.wait(10)
    assert run(_name()) == "web"
    assert thread.is_alive()
    run(let_it_end())
    thread.join(10)
    assert not thread.is_alive()
