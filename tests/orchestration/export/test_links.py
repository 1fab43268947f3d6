import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.export.links import COLUMNS, linked, links_of, write_links
from tests.support.finished_run import image_row

URLS = ["http://x.test/1.png", "https://x.test/2.png", "urn:sha256:00", "photos/3.png", "file:///4"]
TABLE = pa.Table.from_pylist([image_row(n, url=url) for n, url in enumerate(URLS)])


def test_only_addresses_on_the_web_are_links():
    assert linked(TABLE)["url"].to_pylist() == URLS[:2]
    assert linked(TABLE.slice(0, 0)).num_rows == 0


def test_columns_are_those_that_are_shared_and_those_of_the_run():
    table = TABLE.append_column("score", pa.array([0.5] * len(URLS)))
    names = links_of(table, [table.schema.field("score")]).schema.names
    assert names == [*COLUMNS, "pair_key", "score"]


def test_a_table_of_links_lets_every_column_be_null(tmp_path):
    fields = [field.with_nullable(False) for field in TABLE.schema]
    write_links(str(tmp_path), 7, links_of(TABLE.cast(pa.schema(fields)), []))
    written = pq.read_table(tmp_path / "00007.parquet")
    assert written["url"].to_pylist() == URLS
    assert all(field.nullable for field in written.schema)
