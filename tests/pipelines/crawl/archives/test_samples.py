"""The sample archives of pywb and warcio; `pytest -m network` runs this, and fails offline."""

import pytest

from tests.support.samples import Compared, compare, download

pytestmark = pytest.mark.network

# Where the readers differ: pages that we read and warcio does not, and the other way round.
_NO_ARC = "ARC: refused by its suffix"
DIFFERENT = {
    "pywb/example-bad.warc.gz.bad": (1, 0, "records in one gzip member: warcio refuses"),
    "warcio/example-bad.warc.gz.bad": (1, 0, "records in one gzip member: warcio refuses"),
    "warcio/example-bad-non-chunked.warc.gz": (1, 0, "records in one gzip member: warcio refuses"),
    "pywb/example.arc": (0, 1, _NO_ARC),
    "pywb/example.arc.gz": (0, 1, _NO_ARC),
    "warcio/example.arc": (0, 1, _NO_ARC),
    "warcio/example.arc.gz": (0, 1, _NO_ARC),
}


@pytest.fixture(scope="module")
def compared(tmp_path_factory) -> dict[str, Compared]:
    archives = download(tmp_path_factory.mktemp("samples"))
    return {name: compare(content) for name, content in archives.items()}


def test_archives_are_read_as_warcio_reads_them(compared):
    different = {name: one.counts[1:] for name, one in compared.items() if any(one.counts[1:])}
    assert different == {name: (ours, theirs) for name, (ours, theirs, _) in DIFFERENT.items()}


def test_the_pages_that_liveweb_stored_decoded(compared):
    assert compared["pywb/iana.warc.gz"].counts == (16, 0, 0)
    assert compared["pywb/iana.warc.gz"].rejected == []
