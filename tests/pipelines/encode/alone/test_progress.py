from pipelines.encode.alone import progress
from pipelines.encode.alone.progress import Progress


def test_shards_and_images_are_told(capsys, monkeypatch):
    monkeypatch.setattr(progress, "LOG_S", 0)
    told = Progress(shards=2, before=3)
    told.rows(50)
    told.shard()
    told.end()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "encode  3 of 5 shards were finished before"
    assert lines[1].startswith("encode  3 of 5 shards, 50 images, ")
    assert lines[-1].startswith("encode  4 of 5 shards, 50 images, ")
    assert lines[-1].endswith(" s left")


def test_where_nothing_is_to_be_done_only_that_is_told(capsys):
    Progress(shards=0, before=3).end()
    assert capsys.readouterr().err == "encode  3 of 3 shards were finished before\n"
