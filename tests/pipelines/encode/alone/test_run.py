import pytest
import torch

from pipelines.encode.alone.run import Share, run, told
from pipelines.io.manifest import Manifest
from tests.support.own_images import own_work


@pytest.fixture(autouse=True)
def threads():
    """A run sets the number of this process's threads for good."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_ranks_share_the_shards_and_the_last_one_writes_the_manifest(tmp_path, codec_url):
    work = own_work(tmp_path, codec_url)
    assert run(work, Share(1, 2), 1, []) is None
    assert [path.name for path in tmp_path.glob("encode/part-*")] == [
        work.task.part(1).rpartition("/")[2]
    ]
    manifest = run(work, Share(0, 2), 1, [])
    assert manifest is not None
    assert manifest.rows_out == 6


def test_it_runs_in_one_thread_and_what_is_finished_is_left(tmp_path, codec_url, capsys):
    work = own_work(tmp_path, codec_url)
    first = run(work, Share(), 1, [])
    assert torch.get_num_threads() == 1
    (tmp_path / "encode" / ".tmp-left").write_text("of a killed one")
    assert run(work, Share(), 1, []) == first
    assert capsys.readouterr().err.splitlines()[-1] == "encode  2 of 2 shards were finished before"
    assert not (tmp_path / "encode" / ".tmp-left").exists()


@pytest.mark.parametrize(
    ("rejected", "line", "is_complete"),
    [
        ({}, "8 of 8 images have tokens, in {url}", True),
        ({"copy": 2}, "8 of 8 images have tokens, in {url}; 2 more were copies", True),
        ({"copy": 1, "truncated": 1}, "8 of 9 images have tokens, in {url}; 1 more", False),
    ],
)
def test_the_last_line_says_whether_all_have_tokens(
    tmp_path, codec_url, rejected, line, is_complete
):
    work = own_work(tmp_path, codec_url)
    manifest = Manifest("encode", "f", {}, {}, {}, 2, 10, 8, rejected=rejected)
    found = told(work, manifest, ["copy"])
    assert found[0].startswith(line.format(url=work.task.folder.url))
    assert found[1] is is_complete
