"""Croissant of a folder: valid to the reference implementation, which reads the rows by it."""

import json

import pytest

from tests.support.token_formats import described_set, exported, rows_of


def test_it_lists_files_with_their_hashes_and_every_column(tmp_path):
    url = described_set(tmp_path / "a")
    exported("hf", url, tmp_path / "hub")
    found = json.loads((tmp_path / "hub/croissant.json").read_text())
    objects = [one for one in found["distribution"] if one["@type"] == "cr:FileObject"]
    paths = sorted(str(p.relative_to(tmp_path / "hub")) for p in tmp_path.glob("hub/data/*"))
    assert [one["contentUrl"] for one in objects] == paths
    fields = {field["name"]: field for field in found["recordSet"][0]["field"]}
    assert list(fields) == list(rows_of(url)[0])
    assert fields["image_tokens"]["arrayShape"] == "9"
    assert fields["text_tokens"]["arrayShape"] == "-1"
    assert [fields[n]["dataType"] for n in ("key", "label", "score", "flipped")] == [
        "sc:Text",
        "sc:Integer",
        "sc:Float",
        "sc:Boolean",
    ]


@pytest.mark.filterwarnings("ignore")  # of the package and of what it imports
def test_the_reference_implementation_finds_no_error_and_reads_the_rows(tmp_path):
    mlcroissant = pytest.importorskip("mlcroissant")
    url = described_set(tmp_path / "a")
    exported("hf", url, tmp_path / "hub")
    dataset = mlcroissant.Dataset(jsonld=str(tmp_path / "hub/croissant.json"))
    assert dataset.metadata.ctx.issues.errors == set()
    read = {row["default/key"].decode(): row for row in dataset.records("default")}
    for row in rows_of(url):
        assert list(read[row["key"]]["default/image_tokens"]) == row["image_tokens"]
        assert read[row["key"]]["default/caption"].decode() == row["caption"]


@pytest.mark.parametrize("licence", ["", "CC0"])
def test_it_says_whether_a_licence_is_known(tmp_path, licence):
    from tests.support.token_shards import pair_rows, write_token_set

    rows = [row | {"license": licence} for row in pair_rows(4)]
    exported("hf", write_token_set(tmp_path / "a", rows), tmp_path / "hub")
    card = (tmp_path / "hub/README.md").read_text()
    found = json.loads((tmp_path / "hub/croissant.json").read_text())
    said = "of-each-image" if licence else "license: unknown"
    assert said in card
    assert found["license"] == ("of each image: the column `license`" if licence else "unknown")
