from pathlib import Path

import numpy as np
import pytest

from dalle_model.errors import UsageError
from dalle_model.settings import SampleSettings
from orchestration.drawing.choice import Choice
from orchestration.drawing.samples import draw_samples, read_captions
from orchestration.engine.progress import Quiet
from tests.support.drawing import random_source


class Steps(Quiet):
    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def step(self, step: int, total: int, metrics: object = None, /) -> None:
        self.seen.append((step, total))


def test_each_caption_is_drawn_by_each_prior() -> None:
    sources, steps = [random_source("one"), random_source("other")], Steps()
    rows = draw_samples(sources, ["a cat", "a dog"], Choice(2), SampleSettings(), steps)
    assert [(row.prior, row.caption) for row in rows] == [
        ("one", "a cat"), ("one", "a dog"), ("other", "a cat"), ("other", "a dog"),
    ]  # fmt: skip
    for row, same in ((rows[0], rows[2]), (rows[1], rows[3])):
        np.testing.assert_array_equal(row.images, same.images)
    assert not np.array_equal(rows[0].images, rows[1].images)
    assert steps.seen == [(4, 8), (8, 8)]


def test_captions_are_the_lines_of_a_text(tmp_path: Path) -> None:
    path = tmp_path / "captions.txt"
    path.write_bytes("\ufeffa cat\r\n\n  ein Löwe \n".encode())
    assert read_captions(str(path)) == ["a cat", "ein Löwe"]


@pytest.mark.parametrize(
    ("content", "said"), [(None, "no file"), (b"\n \n", "no caption"), (b"\xff\xfe", "no text")]
)
def test_a_file_without_captions_is_refused(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "captions.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read_captions(str(path))
