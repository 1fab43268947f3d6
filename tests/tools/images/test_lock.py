import pytest

from tests.support.documents import ROOT
from tools.images.lock import LockError, Pin, read_pins

A, B = "a" * 64, "b" * 64
TEXT = f"""\
# a comment at the head
alpha==1.0 \\
    --hash=sha256:{A} \\
    --hash=sha256:{B}
    # via
    #   dalle (pyproject.toml)
    #   gamma
beta==2.0+cpu ; sys_platform == 'linux' \\
    --hash=sha256:{A}
    # via alpha
"""


def test_a_pin_is_name_version_marker_hashes_and_who_asks_for_it():
    assert read_pins(TEXT) == [
        Pin("alpha", "1.0", "", (A, B), ("gamma",)),
        Pin("beta", "2.0+cpu", "sys_platform == 'linux'", (A,), ("alpha",)),
    ]


def test_a_pin_is_written_as_it_is_read():
    pins = read_pins(TEXT)
    assert [(p.name, p.version, p.marker, p.hashes) for p in pins] == [
        (p.name, p.version, p.marker, p.hashes) for p in read_pins("\n".join(map(str, pins)))
    ]


@pytest.mark.parametrize("line", ["alpha>=1.0", "-e .", "alpha @ https://host.example/a.whl"])
def test_what_is_not_pinned_is_refused(line):
    with pytest.raises(LockError, match="not NAME==VERSION; run `make lock`"):
        read_pins(line)


def test_a_hash_of_another_kind_is_refused():
    with pytest.raises(LockError, match="neither a SHA-256 nor a comment"):
        read_pins(f"alpha==1.0 \\\n    --hash=md5:{A[:32]}\n")


def test_the_lock_of_the_project_is_read_to_its_end():
    text = (ROOT / "requirements.txt").read_text()
    pins = read_pins(text)
    assert len(pins) == sum("==" in line and line[:1].isalnum() for line in text.splitlines())
    assert sum(len(pin.hashes) for pin in pins) == text.count("--hash=sha256:")
