import numpy as np
import pyarrow as pa
import pytest

from pipelines.io.uids import (
    UID_DTYPE,
    KeepListError,
    in_order,
    keep_list_sha256,
    open_keep_list,
    uids_of,
    write_uids,
)

NUM = 500
TEXTS = [np.random.default_rng(0).bytes(16 * NUM).hex()[32 * i :][:32] for i in range(NUM)]
PAIRS = np.array([(int(t[:16], 16), int(t[16:], 16)) for t in TEXTS], UID_DTYPE)


def test_ids_are_read_as_python_reads_them():
    column = pa.chunked_array([TEXTS[:3], [text.upper() for text in TEXTS[3:9]], TEXTS[9:]])
    assert (uids_of(column) == PAIRS).all()
    assert (uids_of(pa.array(TEXTS)[7:]) == PAIRS[7:]).all()
    assert len(uids_of(pa.array([], pa.string()))) == 0


@pytest.mark.parametrize("texts", [["ab"], [None], ["g" * 32], [TEXTS[0], ""]])
def test_what_is_no_id_is_refused(texts):
    with pytest.raises(KeepListError, match="32 hexadecimal digits"):
        uids_of(pa.array(texts, pa.string()))


def test_a_list_is_written_as_datacomp_writes_it(tmp_path):
    write_uids(str(tmp_path / "ours.npy"), in_order([PAIRS[:99], PAIRS[99:]]))
    np.save(tmp_path / "theirs.npy", np.sort(PAIRS))
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "theirs.npy").read_bytes()


def test_a_list_knows_its_ids_alone(tmp_path):
    url = str(tmp_path / "uids.npy")
    write_uids(url, in_order([PAIRS[::2]]))
    keep = open_keep_list(url)
    assert [keep.has(text) for text in TEXTS] == [True, False] * (NUM // 2)
    assert not any(map(keep.has, ["", "x", TEXTS[0][:31], "f" * 32, "0" * 32, TEXTS[0] + "0"]))
    write_uids(url, in_order([PAIRS[:0]]))
    assert not open_keep_list(url).has(TEXTS[0])


def test_what_is_no_list_is_refused(tmp_path):
    url = str(tmp_path / "uids.npy")
    with pytest.raises(KeepListError, match="cannot be read"):
        keep_list_sha256(url)
    np.save(url, np.arange(3))
    with pytest.raises(KeepListError, match="int64 of the shape"):
        keep_list_sha256(url)
    np.save(url, np.sort(PAIRS)[::-1])
    with pytest.raises(KeepListError, match="not sorted"):
        keep_list_sha256(url)
    (tmp_path / "uids.npy").write_text("no")
    with pytest.raises(KeepListError, match="is no keep list"):
        keep_list_sha256(url)
