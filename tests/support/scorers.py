"""A scorer of another package that reads scores off captions, so that a test knows each of them."""

from pathlib import Path

from tests.support.plugins import write_plugin

TOLD = '''\
"""The score of a pair is the last word of its caption; each call is noted beside a path.

A file there with the ending `.kill` ends the process of the first call before which as many
captions were scored as it says, and is gone then.
"""

import os
import signal

import numpy as np


class Told:
    def __init__(self, path: str = "") -> None:
        self.log, self.kill = path and path + ".log", path + ".kill"

    def score(self, images, captions):
        assert all(image.dtype == np.uint8 and image.shape[2] == 3 for image in images)
        if os.path.exists(self.kill) and self.scored() >= int(open(self.kill).read()):
            os.remove(self.kill)
            os.kill(os.getpid(), signal.SIGKILL)
        if self.log:
            with open(self.log, "a") as log:
                log.writelines(f"{caption}\\n" for caption in captions)
        return np.array([caption.rpartition(" ")[2] for caption in captions], np.float32)

    def scored(self):
        return len(open(self.log).readlines()) if os.path.exists(self.log) else 0
'''


def write_scorer(folder: Path) -> Path:
    """A package with the scorer `told`, or `told:PATH`; the folder for PYTHONPATH."""
    return write_plugin(folder, "told", TOLD, {"dalle.scorers": {"told": "told.plugin:Told"}})


def scored(path: Path) -> list[str]:
    """The captions that `told:PATH` has scored, in the order of the calls."""
    log = Path(f"{path}.log")
    return log.read_text().splitlines() if log.exists() else []
