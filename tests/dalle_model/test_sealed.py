"""No damaged manifest is read: every flipped bit and every cut is found."""

import json
import random
from pathlib import Path

import pytest

from dalle_model import files
from dalle_model.sealed import CHECKSUM, read_sealed, write_sealed
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest, read_manifest, write_manifest
from pipelines.io.task import ShardReport
from tests.support.many_shards import IDENTITY

NUM_FLIPS, NUM_CUTS = 1000, 200


def written(folder: Path, num_shards: int) -> StageFolder:
    """A finished stage, with nothing but what lists its files."""
    entry = {"rows": 1, "bytes": 2, "sha256": "ab" * 32}
    reports = [ShardReport(n, "a", 2, 1, {"r": 1}, entry, entry) for n in range(num_shards)]
    made = Manifest.of_shards(reports, num_shards, **IDENTITY | {"config": {"zeros": "0" * 64}})
    write_manifest(StageFolder(str(folder), num_shards), made)
    return StageFolder(str(folder), num_shards)


def test_every_flipped_bit_and_every_cut_of_a_manifest_is_found(tmp_path):
    folder = written(tmp_path, 3)
    assert read_manifest(folder) is not None
    path, draw = Path(folder.manifest), random.Random(14)
    whole = path.read_bytes()
    for _ in range(NUM_FLIPS):
        content = bytearray(whole)
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(content)
        assert read_manifest(folder) is None
    for _ in range(NUM_CUTS):
        path.write_bytes(whole[: draw.randrange(len(whole))])
        assert read_manifest(folder) is None
    path.write_bytes(whole[:-1])  # the line break at the end
    assert read_manifest(folder) is None


def test_a_manifest_of_before_is_read_and_says_the_same(tmp_path):
    folder = written(tmp_path, 3)
    sealed = read_manifest(folder)
    document = json.loads(Path(folder.manifest).read_text())
    assert len(document.pop(CHECKSUM)) == 64
    files.write_json(folder.manifest, document)
    assert read_manifest(folder) == sealed


def test_the_checksum_is_of_the_bytes_with_zeros_in_its_place(tmp_path):
    """As anyone can work it out; whatever else the document holds."""
    zeros = "0" * 64
    inner = {CHECKSUM: zeros, "text": f'\n  "{CHECKSUM}": "{zeros}"', "name": "caf\udce9"}
    url = str(tmp_path / "x.json")
    write_sealed(url, {"inner": inner, "zeros": zeros})
    content = files.read_bytes(url)
    checksum = json.loads(content)[CHECKSUM]
    assert content.count(checksum.encode()) == 1
    assert files.sha256(content.replace(checksum.encode(), zeros.encode())) == checksum
    assert read_sealed(url) == {"inner": inner, "zeros": zeros}


@pytest.mark.parametrize("content", ["[]", "3", f'{{\n  "{CHECKSUM}": 3\n}}', "{"])
def test_what_is_no_such_document_is_an_error(tmp_path, content):
    url = str(tmp_path / "x.json")
    Path(url).write_text(content)
    with pytest.raises(ValueError, match=r"x\.json"):
        read_sealed(url)
