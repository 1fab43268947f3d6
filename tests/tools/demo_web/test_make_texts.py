import gzip

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.inputs import read_input
from pipelines.crawl.sources import InputFile, Source
from pipelines.records import Candidate
from tools.demo_web.make_texts import TEXTS, alternative_texts, to_bytes


def test_alternative_texts_come_with_absolute_addresses(tmp_path):
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "page one.html").write_text(
        '<img src="../a.png" alt="a  red\nball"><img src="b.png" alt=""><img src="data:,x" alt="x">'
    )
    found = list(alternative_texts(tmp_path, "docs"))
    assert found == [("https://docs.demo.test/a.png", "a red ball")]


def test_the_table_has_a_header_and_no_date():
    table = to_bytes([("https://a.demo.test/1.png", "a red ball")])
    assert gzip.decompress(table) == b"url\tcaption\nhttps://a.demo.test/1.png\ta red ball\n"
    assert table[4:8] == bytes(4)  # Source: RFC 1952, section 2.3: MTIME, 0 for none


def test_every_row_of_the_shipped_table_is_a_candidate():
    source = Source(path=str(TEXTS), name="texts")
    config = CrawlConfig(sources=(source,))
    rows = list(read_input(InputFile(str(TEXTS), "table"), source, config))
    assert len(rows) == 10_619
    assert all(isinstance(row, Candidate) for row in rows)
