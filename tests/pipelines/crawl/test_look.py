"""What a first look says of each kind of source, and that the section it writes reads it."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from pipelines.crawl.discovery import MissingInputError, inputs
from pipelines.crawl.inputs import read_input
from pipelines.crawl.look import LOOKED_AT, look
from pipelines.crawl.section import CrawlSection
from pipelines.crawl.tables.columns import ColumnError
from pipelines.io.material import Material
from pipelines.rejection import Rejection
from tests.support.archives import gzip_records, http_record
from tests.support.sources import (
    samples,
    tar_of,
    write_cc3m_tsv,
    write_hf_parquet,
    write_image_folder,
    write_laion_parquet,
    write_webdataset_tar,
)

PAGE = b'<img src="/a.jpg" alt="a red barn"><img src=b.jpg>'


def write_bare(path, pairs):
    path.mkdir()
    for number, pair in enumerate(pairs):
        (path / f"{number}.png").write_bytes(pair.encoded)


def write_some(path, pairs):
    write_bare(path, pairs)
    (path / "0.txt").write_text("a caption")


def write_classes(path, pairs):
    path.write_bytes(tar_of([(f"{n}.png", pair.encoded) for n, pair in enumerate(pairs)]))


def write_labels(path, pairs):
    images = [pair.encoded for pair in pairs]
    pq.write_table(pa.table({"image": images, "label": list(range(len(pairs)))}), path)


def write_lines(path, pairs):
    rows = [json.dumps({"Link": p.url, "url": p.url, "Text": p.caption}) for p in pairs]
    path.write_text("\n".join(rows))


def write_german(path, pairs):
    path.write_text("url,beschreibung\n" + "".join(f"{pair.url},ein Bild\n" for pair in pairs))


def write_mirror(path, _pairs):
    path.mkdir()
    (path / "p.html").write_bytes(PAGE)


def write_archive(path, _pairs):
    path.write_bytes(gzip_records([http_record("http://site.test/p", PAGE)])[0])


def write_mixed(path, pairs):
    write_mirror(path, pairs)
    write_archive(path / "pages.warc.gz", pairs)


WRITERS = {
    "photos": write_image_folder,
    "bare": write_bare,
    "some": write_some,
    "pairs.tar": write_webdataset_tar,
    "classes.tar": write_classes,
    "cc3m.tsv": write_cc3m_tsv,
    "laion.parquet": write_laion_parquet,
    "hf.parquet": write_hf_parquet,
    "labels.parquet": write_labels,
    "lines.jsonl": write_lines,
    "german.csv": write_german,
    "site.test": write_mirror,
    "My site": write_mirror,
    "pages.warc.gz": write_archive,
    "mixed": write_mixed,
}


def write(folder, name):
    """A source of each kind that people begin with."""
    WRITERS[name](folder / name, samples(6))
    return folder / name


def rows_of(material: Material):
    config = CrawlSection.model_validate(yaml.safe_load(material.section)["crawl"])
    return [row for file, source in inputs(config) for row in read_input(file, source, config)]


@pytest.mark.parametrize(
    ("name", "captions", "lines"),
    [
        ("photos", "own", ["kind: images"]),
        ("bare", "none", ["kind: images", "min_caption_chars: 0"]),
        ("some", "own", ["kind: images", "# min_caption_chars: 0"]),
        ("pairs.tar", "own", ["kind: tar"]),
        ("classes.tar", "none", ["kind: tar", "min_caption_chars: 0"]),
        ("cc3m.tsv", "own", ["kind: table", "# found: url_column: 1, caption_column: 0"]),
        ("laion.parquet", "own", ["# found: url_column: URL, caption_column: TEXT, license"]),
        ("hf.parquet", "own", ["kind: table", "caption_column: text, image_column: image"]),
        ("labels.parquet", "none", ["# found: image_column: image", "there are image, label"]),
        ("lines.jsonl", "own", ["# found: url_column: url, caption_column: Text"]),
        ("german.csv", "none", ["none was found; there are url, beschreibung"]),
        ("site.test", "web", ["kind: html", 'base_url: "https://site.test/"']),
        ("My site", "web", ['base_url: "https://my-site.invalid/" # a stand-in']),
        ("pages.warc.gz", "web", ["kind: warc"]),
        ("mixed", "web", ["# kinds: html, warc"]),
    ],
)
def test_the_section_for_a_source_says_what_is_there_and_reads_it(tmp_path, name, captions, lines):
    path = str(write(tmp_path, name))
    material = look(path, path, {})
    assert material.captions == captions
    for line in lines:
        assert line in material.section
    rows = rows_of(material)
    kept = [row for row in rows if not isinstance(row, Rejection)]
    assert kept
    if captions == "none":
        assert len(kept) == len(rows)


@pytest.mark.parametrize("name", ["photos", "bare", "pairs.tar", "cc3m.tsv", "hf.parquet"])
def test_how_many_pairs_there_are_is_roughly_right(tmp_path, name):
    path = str(write(tmp_path, name))
    assert 6 <= look(path, path, {}).num_pairs <= 100


def test_a_site_is_not_asked_for_anything():
    material = look("https://site.test/a b/", "", {})
    config = CrawlSection.model_validate(yaml.safe_load(material.section)["crawl"])
    assert config.sites[0].start == ("https://site.test/a%20b/",)
    assert (material.captions, config.sites[0].name) == ("web", "site.test")
    with pytest.raises(ValueError, match="site"):
        look("https://user:word@site.test/", "", {})


@pytest.mark.parametrize("host", ["on", "2130706433"])
def test_a_host_is_a_name_whatever_yaml_takes_it_for(host):
    (site,) = yaml.safe_load(look(f"http://{host}/", "", {}).section)["crawl"]["sites"]
    assert isinstance(site["name"], str)


def test_what_cannot_be_told_is_asked_for(tmp_path):
    table = tmp_path / "t.jsonl"
    table.write_text('{"link": "http://site.test/a.jpg", "words": "a barn"}\n')
    with pytest.raises(ColumnError, match=r"no column 'url/.*--url-column NAME"):
        look(str(table), "t.csv", {})
    named = look(str(table), str(table), {"url_column": "link", "caption_column": "words"})
    assert named.captions == "own"
    (row,) = rows_of(named)
    assert (row.url, row.caption) == ("http://site.test/a.jpg", "a barn")
    with pytest.raises(MissingInputError, match="nothing is there"):
        look(f"{tmp_path}/none", "none", {})


@pytest.mark.parametrize("content", ["x,y\n1,2\n3,4\n", "url,caption\n"])
def test_a_table_without_an_address_is_refused_with_what_would_mend_it(tmp_path, content):
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(
        MissingInputError, match=r"read as table, it has no image.*--url-column NAME"
    ):
        look(str(tmp_path / "t.csv"), "t.csv", {})


def test_a_page_without_an_image_is_refused(tmp_path):
    (tmp_path / "index.html").write_text("<p>nothing to see</p>")
    with pytest.raises(MissingInputError, match=r"read as html, it has no image.*the path$"):
        look(str(tmp_path), "mirror", {})


def test_columns_without_names_are_given_by_number(tmp_path):
    table = tmp_path / "t.tsv"
    table.write_text("1\ta barn\thttp://site.test/a.jpg\n2\ta mill\thttp://site.test/b.jpg\n")
    material = look(str(table), str(table), {"url_column": "2", "caption_column": "1"})
    assert [(row.url[-5:], row.caption) for row in rows_of(material)] == [
        ("a.jpg", "a barn"),
        ("b.jpg", "a mill"),
    ]


def test_a_large_source_is_looked_at_in_part(tmp_path):
    write_cc3m_tsv(tmp_path / "t.tsv", samples(LOOKED_AT + 50, side=1))
    told = look(f"{tmp_path}/t.tsv", "t.tsv", {}).found
    assert told[1] == "of 200 images that were looked at, 200 have a caption"


def test_no_name_of_a_column_or_file_breaks_the_section(tmp_path):
    path = tmp_path / 'odd "name"\n- x: 😀\u200d1.parquet'
    names = ["url", "a\nb: 2", *(f"column {number}" for number in range(500))]
    rows = {name: ["http://site.test/a.jpg"] for name in names}
    pq.write_table(pa.table(rows), path)
    material = look(str(path), str(path), {})
    (row,) = rows_of(material)
    assert row.url == "http://site.test/a.jpg"
    assert len(material.section) < 1500
