import io
import tarfile

import pytest

from pipelines.crawl.images.members import Member, read_members
from tests.support.archives import flip
from tests.support.sources import tar_of

FILES = [("a.jpg", b"x" * 700), ("d/" * 70 + "b.txt", b"text"), ("c.json", b"")]


def _read(content: bytes) -> list[tuple[str, bytes] | None]:
    stream = io.BytesIO(content)
    found = []
    for member in read_members(stream):
        stream.seek(member.offset)
        read = (member.name, stream.read(member.size))
        found.append(None if member.is_damaged else read)
    return found


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_are_those_that_tarfile_finds(form):
    assert _read(tar_of(FILES, form)) == FILES
    names = [(f"{'é' * 90}{n}.txt", b"%d" % n) for n in range(3)]
    if form != tarfile.USTAR_FORMAT:
        assert _read(tar_of(names, form)) == names


def test_links_and_folders_are_no_files():
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for name, kind in [("d", tarfile.DIRTYPE), ("l.jpg", tarfile.SYMTYPE),
                           ("h.jpg", tarfile.LNKTYPE), ("f", tarfile.FIFOTYPE)]:  # fmt: skip
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    assert [m.is_file for m in read_members(io.BytesIO(sink.getvalue()))] == [False] * 4


def test_damage_is_one_member_and_the_next_header_is_found():
    content = tar_of(FILES[:1]) [:1536] + tar_of(FILES)  # fmt: skip
    assert _read(flip(content, 5)) == [None, *FILES]
    assert _read(content[:1536] + b"junk" * 300 + bytes(16)) == [FILES[0], None]
    assert _read(b"no tar at all") == [None]
    assert _read(b"") == []


def test_what_is_appended_after_the_end_is_read():
    assert _read(tar_of(FILES) + tar_of(FILES)) == [*FILES, *FILES]


@pytest.mark.parametrize("size", [b"77777777777\0", b"\xff" * 12, b"-0000000001\0"])
def test_a_size_that_lies(size):
    block = bytearray(tar_of(FILES[:1])[:512])
    block[124:136] = size
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    found = list(read_members(io.BytesIO(bytes(block) + b"rest")))
    assert isinstance(found[0], Member)
    assert len(found) <= 2
