import os

from dalle_model import files
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import digest_of


def test_a_name_that_is_no_utf_8_is_digested_and_kept(tmp_path):
    name = os.fsdecode(b"caf\xe9.jpg")
    assert digest_of([name]) != digest_of(["caf?.jpg"])
    folder = StageFolder(str(tmp_path), 1)
    files.write_json(folder.manifest, {"url": name})
    assert files.read_json(folder.manifest) == {"url": name}
