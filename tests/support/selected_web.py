"""A run with every selection on, on a generated web of real size: books, bytes, what was planted.

Usage: python -m tests.support.selected_web [NUMBER OF IMAGES] [NUMBER OF KILLS]

Of the images of `tests.support.generated_web`, some are in an evaluation set, smaller and under
other captions, and some have labels that are not in their captions. The run is made by one worker,
and then by two, of shuffled sources and killed at random moments, which must give the same files.
"""

import json
import random
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from dalle_model.shards import list_shards, read_shards
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest, read_rejected
from tests.support.commands import checksums
from tests.support.generated_web import caption_of, kind_of, url_of
from tests.support.photographs import photograph
from tests.support.raw_server import running
from tests.support.real_size_web import MAX_FALSE, STAGES, Runs, books

SELECTIONS = ("quality", "decontaminate", "label_overlap", "dedupe", "select", "similarity")
ALL_STAGES = (*STAGES[:-1], "references", *SELECTIONS, "encode")
SHARDED = tuple(stage for stage in ALL_STAGES if stage != "references")
SHARE_EVALUATED, SHARE_MISLABELLED = 0.05, 0.05
KEPT = 0.9  # of the images that reach the filter by similarity
SCORES = ("blankness", "entropy", "nsfw", "text_area", "faces", "face_area", "clip_score")
SECTIONS = """\
selections: [{selections}]
quality: {{plain: {{}}, nsfw: {{}}, text: {{}}, faces: {{}}}}
references: {{sets: [{{path: {folder}/evaluation, name: planted}}]}}
decontaminate: {{}}
label_overlap: {{table: {folder}/labels.jsonl}}
dedupe: {{embedding: {{max_cosine: 0.9999}}}}
select: {{recipe: metaclip, entries: {folder}/entries.txt, t: {t}}}
similarity: {{keep: {kept}}}
encode: {{codec: demo}}
"""


def evaluated(num_images: int) -> list[int]:
    """The images that are in the evaluation set: plain ones, which reach the selections."""
    numbers = (n for n in range(num_images) if kind_of(n) == "jpeg")
    return [n for n in numbers if random.Random(f"set {n}").random() < SHARE_EVALUATED]


def copies(num_images: int) -> list[int]:
    """Copies on the web of what is in the evaluation set, which are there as well."""
    numbers = [n + 1 for n in evaluated(num_images) if n + 1 < num_images]
    return [n for n in numbers if kind_of(n) in {"copy", "recompressed"}]


def mislabelled(num_images: int) -> list[int]:
    """Images whose labels are not in their captions."""
    chance = (random.Random(f"labels {n}").random() for n in range(num_images))
    return [n for n, drawn in enumerate(chance) if drawn < SHARE_MISLABELLED]


def write_planted(folder: Path, num_images: int) -> str:
    """The evaluation set, the labels and the entries; the sections of the config that name them."""
    (folder / "evaluation").mkdir(parents=True)
    for number in evaluated(num_images):
        image = photograph(number)
        image = image.resize((image.width * 4 // 5, image.height * 4 // 5))
        image.save(folder / "evaluation" / f"{number}.jpg", quality=70)
        caption = f"picture {number} of those by which models are judged"
        (folder / "evaluation" / f"{number}.txt").write_text(caption)
    wrong = set(mislabelled(num_images))
    labels = (["giraffe"] if n in wrong else caption_of(n).split()[1:3] for n in range(num_images))
    rows = [{"url": url_of(n), "labels": found} for n, found in enumerate(labels)]
    (folder / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "entries.txt").write_text("red boat\nblue house\ngreen\nlake\nvillage\n")
    selections = ", ".join(SELECTIONS)
    return SECTIONS.format(folder=folder, selections=selections, kept=KEPT, t=num_images // 20)


def check_selections(root: Path, found: dict[str, Manifest], num_images: int) -> None:
    """Compare what the selections dropped with what was planted.

    Raises:
        AssertionError: they differ.
    """
    assert found["quality"].rejected == {}  # these images are neither blank nor of faces
    judged = found["similarity"]
    assert judged.rows_kept == int(KEPT * judged.rows_in)
    for stage, planted, also, others in (
        ("decontaminate", evaluated(num_images), copies(num_images), MAX_FALSE * num_images),
        ("label_overlap", mislabelled(num_images), [], 0),
    ):
        folder = RunFolder(str(root)).stage(stage)
        dropped = set(read_rejected(folder, found[stage], ["url"])["url"].to_pylist())
        missed = {url_of(n) for n in planted} - _dropped_before(root, found, stage) - dropped
        assert missed == set(), stage
        assert len(dropped - {url_of(n) for n in [*planted, *also]}) <= others, stage
    tokens = read_shards(list_shards(f"{root}/encode")).column_names
    assert set(SCORES) <= set(tokens), tokens


def _dropped_before(root: Path, found: dict[str, Manifest], stage: str) -> set[str]:
    before = SHARDED[: SHARDED.index(stage)]
    folders = ((RunFolder(str(root)).stage(name), found[name]) for name in before)
    return {url for pair in folders for url in read_rejected(*pair, ["url"])["url"].to_pylist()}


def other_files(root: Path, sums: Mapping[str, str]) -> list[str]:
    """The files of a run that are not those of another one."""
    found = checksums(root, ALL_STAGES)
    return sorted(name for name in found.keys() | sums.keys() if found.get(name) != sums.get(name))


def _say(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def _costs(runs: Runs, root: Path, stages: Sequence[str]) -> float:
    """Run stage by stage; the seconds of all."""
    total = 0.0
    for stage in stages:
        cost = runs.run(root, [stage])
        total += cost.wall_s
        _say([f"{stage:14}{cost.wall_s:8.1f} s {cost.cpu_s:8.1f} CPU-s {cost.peak_mib:7.0f} MiB"])
    return total


def main(num_images: int = 20_000, num_kills: int = 20) -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        running("tests.support.generated_web", f"{name}/web") as port,
    ):
        sections = write_planted(Path(name) / "planted", num_images)
        runs = Runs(Path(name), num_images, port, ALL_STAGES, sections)
        first = Path(name) / "first"
        whole_s = _costs(runs, first, ALL_STAGES)
        found = books(first, SHARDED)
        _say(f"{n:14}{m.rows_in:7} in {m.rows_out:7} out {m.rejected}" for n, m in found.items())
        check_selections(first, found, num_images)
        sums = checksums(first, ALL_STAGES)
        options = ("--config", runs.shuffled, "--workers", 2)
        finished = runs.killed(Path(name) / "killed", num_kills, whole_s, *options)
        assert [other_files(root, sums) for root in finished] == [[]] * len(finished)
        kills = f"killed {num_kills} times in {len(finished)} runs"
        _say([f"2 workers, shuffled sources, {kills}: the same files"])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
