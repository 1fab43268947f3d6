import threading
from contextlib import closing

import fsspec
import pytest

from dalle_model import files
from pipelines.fetch.bodies import Bodies, bodies_at
from pipelines.io.aside import put_aside
from pipelines.rejection import Check


def filled(folder: str, limit: int, count: int = 20) -> Bodies:
    bodies = Bodies(folder, limit=limit)
    for number in range(count):
        bodies.add(f"k{number}", b"%d" % number * number)
        if bodies.are_many:
            bodies.write()
    return bodies


@pytest.mark.parametrize("limit", [0, 1, 100, 1000])
def test_all_are_read_again_wherever_they_are(tmp_path, limit):
    with closing(filled(f"{tmp_path}/new", limit)) as bodies:
        for number in reversed(range(20)):
            assert bodies.read(f"k{number}") == b"%d" % number * number
        with pytest.raises(KeyError):
            bodies.read("none")


def test_no_more_than_the_limit_is_held_and_the_file_has_no_name(tmp_path):
    with closing(Bodies(str(tmp_path), limit=100)) as bodies:
        for number in range(1000):
            bodies.add(str(number), bytes(30))
            if bodies.are_many:
                bodies.write()
            assert sum(map(len, bodies._waiting.values())) <= 100
        assert files.list_names(str(tmp_path)) == []


def test_few_need_no_file(tmp_path):
    with closing(filled(f"{tmp_path}/none", 10_000)) as bodies:
        bodies.write()
        assert bodies.read("k3") == b"333"
    assert not files.exists(f"{tmp_path}/none")


def test_threads_add_while_others_write(tmp_path):
    bodies = Bodies(str(tmp_path), limit=50)

    def add(first: int) -> None:
        for number in range(first, first + 200):
            bodies.add(str(number), b"%d" % number)
            if bodies.are_many:
                bodies.write()

    threads = [threading.Thread(target=add, args=(first,)) for first in range(0, 1600, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with closing(bodies):
        assert all(bodies.read(str(n)) == b"%d" % n for n in range(1600))


@pytest.mark.parametrize("scheme", ["", "memory://"])
def test_what_was_put_aside_is_read_from_a_disk_or_a_store(tmp_path, scheme):
    folder = f"{scheme}{tmp_path}/aside"
    contents = {f"k{number}": b"%d" % number * number for number in range(20)}
    names = list(contents)
    places = put_aside({n: contents[n] for n in names[::2]}, folder)
    places |= put_aside({n: contents[n] for n in names[1::2]}, folder)
    with closing(bodies_at(places, f"{scheme}{tmp_path}/progress")) as bodies:
        assert {name: bodies.read(name) for name in names} == contents


def test_of_a_store_each_file_is_asked_for_once(tmp_path, monkeypatch):
    places = put_aside({str(n): b"%d" % n for n in range(50)}, f"memory://{tmp_path}/aside")
    asked = []
    read = fsspec.filesystem("memory").__class__.cat_file

    def counting(self, path, *args, **options):
        asked.append(path)
        return read(self, path, *args, **options)

    monkeypatch.setattr(fsspec.filesystem("memory").__class__, "cat_file", counting)
    with closing(bodies_at(places, f"memory://{tmp_path}/progress")) as bodies:
        assert [bodies.read(str(n)) for n in reversed(range(50))] == [
            b"%d" % n for n in reversed(range(50))
        ]
    assert len(asked) == 1


def test_a_file_that_is_gone_is_an_error(tmp_path):
    places = put_aside({"k": b"v"}, str(tmp_path))
    files.remove(places["k"].location)
    with pytest.raises(FileNotFoundError):
        bodies_at(places, str(tmp_path)).read("k")


def test_images_that_are_refused_are_gone_and_cost_no_second_file(tmp_path, monkeypatch):
    opened, scratch = [], files.scratch

    def opening(url):
        opened.append(url)
        return scratch(url)

    monkeypatch.setattr(files, "scratch", opening)
    listed = Check("blocked_hash", passed=False)
    bodies = Bodies(str(tmp_path), lambda body: None if body == b"good" else listed, limit=0)
    for number, body in enumerate([b"bad", b"bad", b"good"]):
        bodies.add(str(number), body)
        bodies.write()
    with closing(bodies):
        assert bodies.refused == {"0": listed, "1": listed}
        assert bodies.written == {"2"}
        assert bodies.read("2") == b"good"
    assert opened == [str(tmp_path)]
