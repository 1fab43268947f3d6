"""Public collections of odd and broken images; `pytest -m corpora` downloads and judges them."""

import pytest

from pipelines.images.rules import Reason
from tests.support.hostile_images import hostile_image
from tests.support.image_corpora import LIST, CorporaError, corpora
from tests.support.judges import OK
from tests.support.judging import judge_all

pytestmark = [pytest.mark.corpora, pytest.mark.timeout(900)]
MAX_PEAK_BYTES = 1 << 30
SEEDS = range(500)


def test_every_file_is_decoded_or_rejected_with_a_reason():
    files = corpora()
    judged = judge_all("image", [*files.values(), *map(hostile_image, SEEDS)])
    assert judged.crashes == []
    assert set(judged.outcomes) <= {OK, *Reason}
    assert judged.counts.total() == len(files) + len(SEEDS) > 3500
    assert judged.counts[OK] > 1000
    assert judged.peak_bytes <= MAX_PEAK_BYTES


def test_another_content_under_a_listed_name_is_noticed(tmp_path, monkeypatch):
    lines = LIST.read_text().splitlines(keepends=True)
    changed = tmp_path / LIST.name
    changed.write_text("".join([lines[0].replace("\t", "\t0"), *lines[1:]]))
    monkeypatch.setattr("tests.support.image_corpora.LIST", changed)
    with pytest.raises(CorporaError, match="1 files are not those of"):
        corpora()
