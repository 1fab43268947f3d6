from dalle_model import files
from pipelines.io.layout import RunFolder, StageFolder, part_name, rejected_name


def test_names_sort_like_numbers():
    assert part_name(7, 64) == "part-00007-of-00064.parquet"
    assert rejected_name(7, 64) == "rejected/part-00007-of-00064.parquet"
    assert part_name(99_998, 99_999) == "part-99998-of-99999.parquet"
    numbers = (0, 9, 99_999, 100_000, 499_999)
    names = [part_name(index, 500_000) for index in numbers]
    assert names == sorted(names)
    markers = [StageFolder("run", 500_000).marker(index) for index in numbers]
    assert markers == sorted(markers)


def test_the_markers_of_many_shards_are_those_of_their_length(tmp_path):
    folder = StageFolder(str(tmp_path), 500_000)
    for name in ("000007.json", "00007.json"):
        files.write_bytes(files.join(folder.progress, name), b"{}")
    assert folder.markers() == [folder.marker(7)]


def test_markers_are_listed_without_those_that_are_being_written(tmp_path):
    folder = StageFolder(str(tmp_path), 2)
    for name in ("00000.json", ".tmp-00001.json", "judged-0123/part-00000-of-00002.parquet"):
        files.write_bytes(files.join(folder.progress, name), b"{}")
    assert folder.markers() == [folder.marker(0)]


def test_the_output_is_neither_notes_nor_records(tmp_path):
    folder = StageFolder(str(tmp_path), 1)
    urls = [folder.part(0), folder.rejected(0), folder.manifest, folder.timings, folder.marker(0)]
    site = files.join(folder.site, "a.test", "1.json")
    for url in (*urls, folder.note(0, "judged", "x"), site):
        files.write_bytes(url, b"")
    assert folder.output_names() == [part_name(0, 1), rejected_name(0, 1)]


def test_tidying_leaves_the_shards_of_this_number_of_shards(tmp_path):
    folder, other = StageFolder(str(tmp_path), 2), StageFolder(str(tmp_path), 3)
    kept = [folder.part(0), folder.rejected(1), folder.manifest, folder.marker(0)]
    left = files.join(folder.spilled, "1.bin")
    for url in (*kept, other.part(0), other.rejected(2), left):
        files.write_bytes(url, b"")
    folder.tidy()
    assert all(files.exists(url) for url in kept)
    assert not any(files.exists(url) for url in (other.part(0), other.rejected(2), left))


def test_tidying_a_run_leaves_what_is_whole_and_what_is_of_stages(tmp_path):
    run = RunFolder(str(tmp_path))
    kept = [run.config, run.report, run.removal, run.stage("crawl").file(".tmp-part-1-ab")]
    beside = (run.config, run.report, run.removal)
    left = [files.join(url.rpartition("/")[0], ".tmp-1-ab") for url in beside]
    for url in (*kept, *left):
        files.write_bytes(url, b"")
    run.tidy()
    assert all(files.exists(url) for url in kept)
    assert not any(files.exists(url) for url in left)


def test_a_run_lists_its_stages_and_the_recipes_it_was_compared_by(tmp_path):
    run = RunFolder(str(tmp_path), 1)
    files.write_bytes(run.config, b"{}")
    files.write_bytes(run.stage("crawl").manifest, b"{}")
    files.write_bytes(run.recipe("laion").stage("captions").manifest, b"{}")
    assert run.stage_names() == ["crawl", "recipes"]
    assert list(run.recipes()) == ["laion"]
    assert run.recipes()["laion"].url == f"{tmp_path}/recipes/laion"


def test_the_shards_that_are_present_are_told_by_their_names(tmp_path):
    folder = StageFolder(str(tmp_path))
    for name in (part_name(1, 2), part_name(0, 3), "part-x.parquet", ".tmp-part", "manifest.json"):
        files.write_bytes(folder.file(name), b"")
    assert folder.present() == [folder.file(part_name(0, 3)), folder.file(part_name(1, 2))]
    assert StageFolder(f"{tmp_path}/none").present() == []
