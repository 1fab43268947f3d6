"""Rows are removed from a finished run, everywhere in it and for good; all else stays as it was."""

import fcntl
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import md5
from pathlib import Path

import pyarrow as pa
import pytest

from dalle_model import files
from dalle_model.shards import image_of
from orchestration import api
from orchestration.engine.plan import Run, RunError
from orchestration.engine.progress import Quiet
from orchestration.engine.run import run_stages
from orchestration.engine.verify import finished_stages, run_checksum, verify_run
from orchestration.removal.asked import TakedownError
from orchestration.report.page import write_report
from pipelines.crawl.site.archive import name_of
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest, file_entry, read_manifest, write_manifest
from pipelines.io.parquet import read_table, to_bytes
from tests.support.removable_run import (
    COPY,
    COPY_OF,
    MISSING,
    NUM_IMAGES,
    STAGES,
    captions_of,
    finished_run,
    image_of_number,
    page_of,
    serving,
    url_of,
)

GONE = (0, 3, 7, COPY_OF, MISSING)  # by their URLs


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Run:
    return finished_run(tmp_path_factory.mktemp("removable"))


@pytest.fixture
def run(finished, tmp_path) -> Run:
    return copied(finished, tmp_path / "run")


def copied(run: Run, root: Path) -> Run:
    shutil.copytree(run.root, root)
    return replace(run, root=str(root))


def listed(folder: Path, *lines: str) -> str:
    (folder / "list.txt").write_text("# a letter\n" + "".join(f"{line}\n" for line in lines))
    return str(folder / "list.txt")


def by_urls(run: Run, tmp_path: Path, numbers=GONE):
    return api.remove(run.root, urls=listed(tmp_path, *map(url_of, numbers)), date="2026-11-30")


def contents(run: Run) -> dict[str, bytes]:
    """All files of the run but timings."""
    root = Path(run.root)
    paths = (path for path in root.rglob("*") if path.is_file() and path.name != "timings.json")
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def found_in(run: Run, needles: set[str]) -> list[tuple[str, str]]:
    """Files in whose bytes, or in whose columns of text, one of some texts stands."""
    found = []
    for name, content in contents(run).items():
        texts = [content]
        if name.endswith(".parquet"):
            table = read_table(f"{run.root}/{name}")
            columns = [
                table[field.name] for field in table.schema if pa.types.is_string(field.type)
            ]
            texts += ["\n".join(filter(None, c.to_pylist())).encode() for c in columns]
        found += [(name, one) for one in needles if any(one.encode() in text for text in texts)]
    return found


def rows_of(run: Run, stage: str) -> list[dict[str, object]]:
    folder = RunFolder(run.root, run.config.num_shards).stage(stage)
    return [row for url in folder.parts() for row in read_table(url).to_pylist()]


def manifests(run: Run) -> dict[str, Manifest]:
    return {manifest.stage: manifest for manifest in finished_stages(run.root)}


def check_books(run: Run) -> None:
    """Rows in are rows kept and dropped, as the shards have them, from stage to stage."""
    found, before = manifests(run), None
    for name in STAGES:
        manifest = found[name]
        assert manifest.rows_in == manifest.rows_kept + sum(manifest.rejected.values()), name
        assert (
            manifest.rows_out == len(rows_of(run, name)) == sum(e["rows"] for e in manifest.files)
        )
        folder = RunFolder(run.root, run.config.num_shards).stage(name)
        tables = [read_table(folder.file(entry["name"])) for entry in manifest.rejected_files]
        reasons = Counter(reason for table in tables for reason in table["reason"].to_pylist())
        assert dict(reasons) == manifest.rejected, name
        assert before is None or manifest.rows_in == before
        before = manifest.rows_out
    verify_run(run.root)


def needles_of(numbers, run: Run) -> set[str]:
    """All by which the rows of some images could be known."""
    urls = {url_of(number) for number in numbers}
    keys = {str(row["key"]) for row in rows_of(run, "crawl") if row["url"] in urls}
    texts = {text for number in numbers for text in captions_of(number)}
    alone = set(numbers) - {COPY_OF, COPY, MISSING}  # whose bytes no other row has
    return urls | keys | texts | {files.sha256(image_of_number(number)) for number in alone}


def test_no_file_holds_a_removed_row_and_the_books_balance(run, tmp_path):
    write_report(run.root)
    needles = needles_of(GONE, run)
    assert len({name for _, name in found_in(run, needles)}) == len(needles)
    before = manifests(run)
    done = by_urls(run, tmp_path)
    assert found_in(run, needles) == []
    check_books(run)
    pairs = sum(len(captions_of(number)) for number in GONE)
    after = manifests(run)
    assert done.rows == {
        "crawl": pairs, "captions": pairs, "fetch": pairs,
        "images": pairs - 1, "dedupe": pairs - 1, "encode": pairs - 1,
    }  # fmt: skip
    assert after["crawl"].rows_in == before["crawl"].rows_in
    assert after["crawl"].rejected["removed"] == pairs
    assert after["encode"].rows_in == before["encode"].rows_in - (pairs - 1)
    assert after["fetch"].rejected == {}  # the one that was missing was on the list


def test_all_other_rows_and_files_are_as_they_were(run, tmp_path):
    before, rows = contents(run), {name: rows_of(run, name) for name in STAGES}
    by_urls(run, tmp_path, [7])
    now = contents(run)
    receipt = json.loads(now["removed/receipt-0001.json"])
    rewritten = {entry["file"] for entry in receipt["rewritten"]}
    parquets = {name for name in before if name.endswith(".parquet")}
    assert {name for name in parquets if now[name] != before[name]} == rewritten & parquets
    assert 0 < len(rewritten & parquets) < len(parquets) / 2  # those of one shard
    assert receipt["untouched"]["files"] == len(parquets - rewritten)
    for name in STAGES:
        assert rows_of(run, name) == [row for row in rows[name] if row["url"] != url_of(7)]
    for entry in receipt["rewritten"]:
        assert files.sha256(before[entry["file"]]) == entry["before"]
        assert files.sha256(now[entry["file"]]) == entry["after"]


def test_the_same_again_does_nothing_and_no_run_has_anything_to_do(run, tmp_path):
    by_urls(run, tmp_path)
    before = contents(run)
    again = by_urls(run, tmp_path)
    assert (again.receipt, again.rows) == ("", {})
    assert contents(run) == before
    with serving() as web:
        run_stages(run, STAGES, Quiet())
    assert web.asked == []
    assert {n: c for n, c in contents(run).items() if n != "config.json"} == {
        n: c for n, c in before.items() if n != "config.json"
    }


def test_a_crawl_made_again_has_the_very_bytes_and_asks_for_no_removed_image(run, tmp_path):
    by_urls(run, tmp_path)
    before = contents(run)
    for name in ("crawl", "fetch"):
        Path(RunFolder(run.root).stage(name).manifest).unlink()
    with serving() as web:
        run_stages(run, STAGES, Quiet())
    assert {f"http://{asked}" for asked in web.asked} == {
        url_of(number) for number in range(NUM_IMAGES) if number not in GONE
    }
    assert contents(run) == before


def test_a_run_elsewhere_that_is_given_the_list_refuses_the_same(finished, run, tmp_path):
    needles = needles_of(GONE, run)
    by_urls(run, tmp_path)
    other = copied(finished, tmp_path / "other")
    done = api.remove(other.root, refused=RunFolder(run.root).refusals)
    assert done.rows["crawl"] == sum(len(captions_of(number)) for number in GONE)
    assert found_in(other, needles) == []
    check_books(other)
    assert run_checksum(other.root) == run_checksum(run.root)


def test_a_host_takes_its_images_and_what_was_found_on_its_pages(run, tmp_path):
    api.remove(run.root, hosts=listed(tmp_path, "h1.demo.test", "blog-2.example"))
    left = {row["url"] for row in rows_of(run, "encode")}
    assert left
    assert found_in(run, {"h1.demo.test", "blog-2.example"}) == []
    assert left == {
        url_of(n) for n in range(NUM_IMAGES)
        if n % 4 != 1 and n % 6 != 2 and n not in {MISSING, COPY}
    }  # fmt: skip
    check_books(run)


def test_a_key_takes_a_pair_and_leaves_the_image_to_the_others(run, tmp_path):
    """The first pair of an image holds the bytes for all: the next one takes them over."""
    pairs = sorted(str(row["key"]) for row in rows_of(run, "fetch") if row["url"] == url_of(9))
    api.remove(run.root, keys=listed(tmp_path, pairs[0]))
    (row,) = [row for row in rows_of(run, "fetch") if row["url"] == url_of(9)]
    assert (row["key"], row["encoded"]) == (pairs[1], image_of_number(9))
    assert found_in(run, {pairs[0]}) == []
    before = contents(run)
    Path(RunFolder(run.root).stage("images").manifest).unlink()
    with serving():
        run_stages(run, STAGES, Quiet())
    assert contents(run) == before


def test_the_part_of_an_image_in_a_key_takes_all_its_pairs(run, tmp_path):
    key = next(str(row["key"]) for row in rows_of(run, "crawl") if row["url"] == url_of(9))
    api.remove(run.root, keys=listed(tmp_path, image_of(key)))
    assert found_in(run, {url_of(9), *captions_of(9)}) == []


@pytest.mark.parametrize("kind", ["sha256", "md5", "phash"])
def test_a_hash_takes_every_copy(run, tmp_path, kind):
    (row,) = [row for row in rows_of(run, "images") if row["url"] == url_of(COPY)]
    content = image_of_number(COPY)
    value = {
        "sha256": files.sha256(content),
        "md5": md5(content).hexdigest(),
        "phash": f"{row['phash']:016x}",
    }[kind]
    api.remove(run.root, hashes=listed(tmp_path, value))
    assert found_in(run, {url_of(COPY), url_of(COPY_OF), files.sha256(content), value}) == []
    check_books(run)


def test_what_a_hash_has_named_is_not_asked_for_again(run, tmp_path):
    (row,) = [row for row in rows_of(run, "images") if row["url"] == url_of(COPY)]
    api.remove(run.root, hashes=listed(tmp_path, f"{row['phash']:016x}"))
    for name in ("crawl", "fetch"):
        Path(RunFolder(run.root).stage(name).manifest).unlink()
    with serving() as web:
        run_stages(run, STAGES, Quiet())
    asked = {f"http://{one}" for one in web.asked}
    assert len(asked) == NUM_IMAGES - 2
    assert asked.isdisjoint({url_of(COPY), url_of(COPY_OF)})


def test_copies_of_a_removed_image_stay_dropped_and_are_told(run, tmp_path):
    kept, dropped = sorted((COPY_OF, COPY), key=lambda n: url_of(n) not in survivors(run))
    done = by_urls(run, tmp_path, [kept])
    assert url_of(dropped) not in survivors(run)
    receipt = json.loads(Path(done.receipt).read_text())
    (key,) = receipt["copies"]["rows"]["dedupe"]
    assert done.copies == 1
    (row,) = [row for row in rows_of(run, "images") if row["url"] == url_of(dropped)]
    assert row["key"] == key
    assert found_in(run, {url_of(kept)}) == []


def test_copies_go_with_their_image_where_that_is_asked_for(run, tmp_path):
    (kept,) = {url_of(COPY_OF), url_of(COPY)} & survivors(run)
    done = api.remove(run.root, urls=listed(tmp_path, kept), copies=True)
    assert done.copies == 0
    assert found_in(run, {url_of(COPY), url_of(COPY_OF), files.sha256(image_of_number(COPY))}) == []
    check_books(run)


def survivors(run: Run) -> set[object]:
    return {row["url"] for row in rows_of(run, "encode")}


class CrashError(BaseException):
    """The process ends here."""


@contextmanager
def steps(hook: Callable[[str, int], None]) -> Iterator[None]:
    """Call a hook before each change of a file, with what and the number of the change."""
    count = 0

    def before(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def step(*args: object, **kwargs: object) -> object:
            nonlocal count
            hook(name, count)
            count += 1
            return real(*args, **kwargs)

        return step

    with pytest.MonkeyPatch.context() as patched:
        for name in ("move", "remove", "write_bytes", "writing"):
            patched.setattr(files, name, before(name, getattr(files, name)))
        yield


def number_of_steps(run: Run, tmp_path: Path) -> int:
    seen: list[int] = []
    with steps(lambda _, number: seen.append(number)):
        by_urls(copied(run, tmp_path / "counted"), tmp_path)
    return len(seen)


def check_kills(run: Run, tmp_path: Path, every: int) -> int:
    """End the command before each n-th change of a file; the next one finishes what it began."""
    expected = copied(run, tmp_path / "whole")
    by_urls(expected, tmp_path)
    kills = range(0, number_of_steps(run, tmp_path), every)
    for kill in kills:
        other = copied(run, tmp_path / f"killed-{kill}")

        def crash(_: str, number: int, at: int = kill) -> None:
            if number >= at:
                raise CrashError

        with steps(crash), pytest.raises(CrashError):
            by_urls(other, tmp_path)
        for manifest in finished_stages(other.root):  # whoever reads meanwhile
            check_whole(other, manifest.stage)
        by_urls(other, tmp_path)
        assert contents(other) == contents(expected), kill
        shutil.rmtree(other.root)
    return len(kills)


def check_whole(run: Run, stage: str) -> None:
    """What a manifest says is there."""
    folder = RunFolder(run.root, run.config.num_shards).stage(stage)
    manifest = read_manifest(folder)
    if manifest is not None:
        for entry in (*manifest.files, *manifest.rejected_files):
            assert files.sha256_of(folder.file(entry["name"])) == entry["sha256"]


def test_whatever_is_killed_the_next_command_finishes(run, tmp_path):
    assert check_kills(run, tmp_path, every=37) >= 3


def test_a_reader_sees_the_old_result_or_the_new_one_and_never_both(run, tmp_path):
    """Before each change of a file, every stage that has a manifest has the files that it names."""
    seen = set()

    def look(_: str, number: int) -> None:
        for stage in STAGES:
            check_whole(run, stage)
            manifest = read_manifest(RunFolder(run.root, run.config.num_shards).stage(stage))
            seen.add((stage, manifest and manifest.rows_out))

    with steps(look):
        by_urls(run, tmp_path)
    states = {stage: {rows for name, rows in seen if name == stage} for stage in STAGES}
    assert all(len(found) == 3 and None in found for found in states.values())


def test_no_other_command_works_on_a_half_removed_run(run, tmp_path):
    def crash(name: str, _: int) -> None:
        if name == "move":
            raise CrashError

    with steps(crash), pytest.raises(CrashError):
        by_urls(run, tmp_path)
    for work in (
        lambda: run_stages(run, STAGES, Quiet()),
        lambda: api.clean(run.root),
        lambda: api.run(run.config, run.root, ["fetch"], retry="not_found"),
    ):
        with pytest.raises(RunError, match=f"`dalle remove --dir {run.root}` finishes that"):
            work()
    assert api.remove(run.root).rows["crawl"] == sum(len(captions_of(n)) for n in GONE)
    check_books(run)


def test_two_commands_do_not_work_in_one_directory(run, tmp_path):
    before, held = contents(run), os.open(run.root, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(RunError, match="another run is at work"):
            by_urls(run, tmp_path)
    finally:
        os.close(held)
    assert contents(run) == before


def test_unfinished_work_goes_since_it_may_hold_such_rows(run, tmp_path):
    folder = RunFolder(run.root, run.config.num_shards).stage("encode")
    files.remove(folder.manifest)
    files.write_bytes(folder.marker(0), b"{}")
    done = by_urls(run, tmp_path)
    assert json.loads(Path(done.receipt).read_text())["unfinished"] == ["encode"]
    assert folder.output_names() == []
    with serving() as web:
        run_stages(run, STAGES, Quiet())
    assert web.asked == []
    check_books(run)


def test_freed_rows_stay_freed(run, tmp_path):
    api.clean(run.root, ["captions"])
    by_urls(run, tmp_path)
    assert found_in(run, needles_of(GONE, run)) == []
    with serving() as web:
        run_stages(run, STAGES, Quiet())
    assert web.asked == []
    verify_run(run.root)


def test_what_shows_a_removed_row_goes_as_a_whole(run, tmp_path):
    """A table of a stage without shards, a comparison of recipes, and answers of sites."""
    folder = RunFolder(run.root)
    key = next(row["key"] for row in rows_of(run, "encode") if row["url"] == url_of(3))
    shown = pa.table({"key": [key], "caption": ["shown"]})
    for name, table in (("samples", shown), ("others", shown.set_column(0, "key", [["0" * 40]]))):
        files.write_bytes(folder.stage(name).file("shown.parquet"), to_bytes(table))
        entries = [file_entry(folder.stage(name), "shown.parquet")]
        write_manifest(folder.stage(name), Manifest(name, "f", {}, {}, {}, files=entries))
    shutil.copytree(folder.stage("crawl").url, folder.recipe("laion").stage("crawl").url)
    answers = f"{folder.stage('crawl').site}/policy/{page_of(3).split('/')[2]}"
    files.write_bytes(f"{answers}/{name_of(page_of(3))}", b"a page")
    files.write_bytes(f"{answers}/{name_of(page_of(3) + '/other')}", b"a page")
    receipt = json.loads(Path(by_urls(run, tmp_path).receipt).read_text())
    page = f"crawl/site/policy/{page_of(3).split('/')[2]}/{name_of(page_of(3))}"
    assert receipt["deleted"] == [page, "recipes/laion", "samples"]
    assert files.list_names(answers) == [name_of(page_of(3) + "/other")]
    assert found_in(run, needles_of(GONE, run)) == []
    assert files.exists(folder.stage("others").manifest)


def test_what_matches_no_row_is_refused_all_the_same(run, tmp_path):
    before = run_checksum(run.root)
    done = api.remove(run.root, hosts=listed(tmp_path, "elsewhere.example"))
    assert done.receipt
    assert done.rows == {}
    assert run_checksum(run.root) == before


def test_nothing_asked_for_is_an_error(run):
    with pytest.raises(TakedownError, match="--urls"):
        api.remove(run.root)
