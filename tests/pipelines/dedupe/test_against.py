"""Which finished runs can be deduplicated against, and what names what they kept."""

import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from dalle_model import files
from pipelines.dedupe.against import FinishedRunError, digests, misfit, open_all, open_run
from pipelines.dedupe.config import DedupeConfig, settings
from pipelines.io.cleaned import Cleaned, write_mark
from pipelines.io.layout import RunFolder
from pipelines.records import IMAGE_CROP, IMAGE_RESAMPLE, IMAGE_SIDE
from tests.support.pictures import finished_run, hash_of, image_row, picture

ROWS = [
    image_row(f"http://a.test/{n}", f"caption {n}", picture(n), 50, hash_of(n)) for n in range(4)
]
FACTS = {IMAGE_SIDE: 48, IMAGE_RESAMPLE: "lanczos", IMAGE_CROP: "none"}


@pytest.fixture
def run(tmp_path) -> Path:
    return Path(finished_run(tmp_path / "2025", ROWS, 2, dropped=ROWS[:1]))


def refusal(run: Path, root: str = "other") -> str:
    with pytest.raises(FinishedRunError) as error:
        open_all(DedupeConfig(against=(str(run),)), root)
    return str(error.value)


def test_no_run_and_an_unfinished_one_are_refused(tmp_path, run) -> None:
    assert "correct the path" in refusal(tmp_path / "nowhere")
    (run / "images" / "manifest.json").write_text("{}")
    assert "is not finished" in refusal(run)


def test_an_unfinished_filter_is_refused(run) -> None:
    (run / "filter" / "manifest.json").unlink()
    message = refusal(run)
    assert "its stage filter is not finished, or its manifest is damaged" in message
    assert f"`dalle run --dir {run}` finishes it" in message


def test_a_filter_of_other_images_is_refused(tmp_path, run) -> None:
    other = Path(finished_run(tmp_path / "other", ROWS[1:], 2))
    shutil.rmtree(run / "images")
    shutil.copytree(other / "images", run / "images")
    assert "was made of other images" in refusal(run)


def test_freed_images_are_refused_once_they_are_needed(run) -> None:
    folder = RunFolder(str(run), 2).stage("images")
    write_mark(folder, Cleaned(1, 1))
    files.remove(folder.part(1))
    config = DedupeConfig(against=(str(run),))
    assert digests(config)  # so a finished stage stays finished
    assert misfit(config, FACTS) == ""
    message = refusal(run)
    assert "key, width, height, pixel_hash, sketch, thumbnail" in message
    assert f"`dalle run images --dir {run}` brings rows back that were freed" in message


def test_freed_rows_of_other_stages_are_not_needed(run) -> None:
    folder = RunFolder(str(run), 2).stage("filter")
    expected = digests(DedupeConfig(against=(str(run),)))
    write_mark(folder, Cleaned(1, 1))
    for url in folder.parts():
        files.remove(url)
    config = DedupeConfig(against=(str(run),))
    assert digests(config) == expected
    (found,) = open_all(config, "other")
    keys = {key for n in range(2) for key in found.surviving(n, ["key"])["key"].to_pylist()}
    assert keys == {row["key"] for row in ROWS[1:]}


def test_the_run_itself_is_refused(run) -> None:
    assert "is the run itself" in refusal(run, root=str(run))


def test_the_digest_is_of_what_was_kept_wherever_it_lies(tmp_path, run) -> None:
    def digest(root: Path) -> str:
        return digests(DedupeConfig(against=(str(root),)))["against.2025"]

    moved = tmp_path / "elsewhere" / "2025"
    shutil.copytree(run, moved)
    assert digest(moved) == digest(run)
    assert settings(DedupeConfig(against=(str(moved),)))["against"] == ["2025"]
    all_kept = Path(finished_run(tmp_path / "all" / "2025", ROWS, 2))
    fewer = Path(finished_run(tmp_path / "fewer" / "2025", ROWS[1:], 2))
    assert len({digest(run), digest(all_kept), digest(fewer)}) == 3


def test_hashes_of_other_sizes_cannot_be_compared(run) -> None:
    config = DedupeConfig(against=(str(run),))
    assert misfit(config, FACTS) == ""
    assert "`images.side: 48`, those of this run with `256`" in misfit(
        config, FACTS | {IMAGE_SIDE: 256}
    )


def test_runs_of_one_name_cannot_be_told_apart() -> None:
    with pytest.raises(ValidationError, match="different names"):
        DedupeConfig(against=("a/2025", "b/2025/"))
    assert "against" not in settings(DedupeConfig())


def test_a_run_without_filters_is_all_images(tmp_path) -> None:
    root = finished_run(tmp_path / "2025", ROWS, 2)
    shutil.rmtree(f"{root}/filter")
    assert open_run(root).filters == ()
