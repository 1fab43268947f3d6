import io
from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.crawl import held
from pipelines.crawl.discovery import MissingInputError
from pipelines.crawl.held import NoHeldImagesError, held_images, read_piece
from pipelines.crawl.images.image import InlineImage
from pipelines.crawl.tables.columns import ColumnError
from pipelines.io.keys import local_pair_key
from tests.support.raw_images import encode, smooth
from tests.support.sources import tar_of

IMAGES = [encode(smooth(20, 20, seed), "PNG") for seed in range(5)]


def parquet(**columns) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def read(path, columns=None) -> list[list[Any]]:
    found = held_images(str(path), columns or {})
    return [list(read_piece(piece, Counter())) for piece in found.pieces]


def test_tars_tables_and_folders_are_pieces_in_a_total_order(tmp_path):
    folder = tmp_path / "mine"
    (folder / "loose").mkdir(parents=True)
    (folder / "b.tar").write_bytes(tar_of([("x.png", IMAGES[0]), ("x.txt", b"a cat")]))
    (folder / "a.parquet").write_bytes(parquet(image=[IMAGES[1]], text=["a dog"]))
    (folder / "loose" / "1.png").write_bytes(IMAGES[2])
    found = read(folder)
    assert [len(piece) for piece in found] == [1, 1, 1]
    rows = {row.candidate.name: row for (row,) in found}
    assert set(rows) == {"a.parquet!0", "b.tar!x", "loose/1.png"}
    assert rows["b.tar!x"].candidate.key == local_pair_key(IMAGES[0], "a cat")
    assert rows["loose/1.png"].candidate.caption == ""
    assert {row.candidate.source for row in rows.values()} == {"mine"}
    assert rows["a.parquet!0"].encoded == IMAGES[1]


def test_a_folder_is_cut_by_the_names_of_its_files(tmp_path, monkeypatch):
    monkeypatch.setattr(held, "FILES_OF_PIECE", 2)
    for number, image in enumerate(IMAGES):
        (tmp_path / f"{number}.png").write_bytes(image)
    names = [[row.candidate.name for row in piece] for piece in read(tmp_path)]
    assert names == [["0.png", "1.png"], ["2.png", "3.png"], ["4.png"]]


def test_a_pair_that_comes_twice_is_dropped_once(tmp_path):
    members = [("a.png", IMAGES[0]), ("b.png", IMAGES[0]), ("c.png", IMAGES[1])]
    (tmp_path / "a.tar").write_bytes(tar_of(members))
    ((first, again, other),) = read(tmp_path)
    assert isinstance(first, InlineImage)
    assert (again.reason, again.key, again.detail) == (
        "duplicate_pair",
        first.candidate.key,
        "a.tar!b",
    )
    assert isinstance(other, InlineImage)


def test_what_is_no_image_is_counted(tmp_path):
    (tmp_path / "a.tar").write_bytes(tar_of([("a.png", IMAGES[0]), ("a.cls", b"7")]))
    (tmp_path / "notes.doc").write_text("x")
    found, passed_over = held_images(str(tmp_path), {}), Counter[str]()
    assert len(list(read_piece(found.pieces[0], passed_over))) == 1
    assert passed_over == {"members that are neither images nor texts": 1}
    assert found.passed_over == {".doc files": 1}


def test_the_digest_tells_files_by_name_and_size(tmp_path):
    (tmp_path / "a.png").write_bytes(IMAGES[0])
    first = held_images(str(tmp_path), {}).digest
    assert held_images(str(tmp_path), {}).digest == first
    (tmp_path / "a.txt").write_text("a caption")
    second = held_images(str(tmp_path), {}).digest
    (tmp_path / "a.txt").write_text("a longer caption")
    assert len({first, second, held_images(str(tmp_path), {}).digest}) == 3


@pytest.mark.parametrize("name", ["urls.csv", "page.html"])
def test_what_names_images_by_their_addresses_is_refused(tmp_path, name):
    (tmp_path / name).write_text("url,caption\nhttp://x.test/a.png,a cat\n")
    with pytest.raises(NoHeldImagesError, match="`dalle encode`"):
        read(tmp_path)


def test_nothing_there_and_unclear_columns_are_errors(tmp_path):
    with pytest.raises(MissingInputError, match="nothing is there"):
        read(tmp_path / "none")
    (tmp_path / "a.parquet").write_bytes(parquet(png=[IMAGES[0]], jpg=[IMAGES[1]]))
    with pytest.raises(ColumnError, match="all hold"):
        read(tmp_path)
    ((row,),) = read(tmp_path, {"image_column": "jpg"})
    assert row.encoded == IMAGES[1]
