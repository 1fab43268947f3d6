from pipelines.fetch.buckets import (
    Image,
    Outcome,
    bucket_of,
    host_of,
    images_of,
    in_buckets,
    pack_outcomes,
    unpack_outcomes,
)

URLS = {f"{i:024x}": f"http://h{i % 7}.test/{i}.png" for i in range(50)}


def test_all_images_of_a_host_are_in_one_bucket_whatever_shard_wants_them():
    halves = [dict(list(URLS.items())[:25]), dict(list(URLS.items())[25:])]
    where = [in_buckets(half, 4) for half in halves]
    found: dict[str, set[int]] = {}
    for bucket in range(4):
        parts = [(shard, packed[bucket]) for shard, packed in enumerate(where) if bucket in packed]
        for image in images_of(parts):
            assert image.shard == (0 if image.key in halves[0] else 1)
            assert URLS[image.key] == image.url
            found.setdefault(host_of(image.url), set()).add(bucket)
    assert {host: len(buckets) for host, buckets in found.items()} == {
        f"h{i}.test": 1 for i in range(7)
    }


def test_a_bucket_is_in_the_order_of_keys_across_shards():
    parts = [(1, in_buckets({"b": "http://a.test/1", "d": "http://a.test/2"}, 1)[0])]
    parts += [(0, in_buckets({"a": "http://a.test/3", "c": "http://a.test/4"}, 1)[0])]
    assert [image.key for image in images_of(parts)] == ["a", "b", "c", "d"]
    assert images_of(parts)[0] == Image("a", 0, "http://a.test/3")


def test_buckets_are_the_same_in_every_process():
    assert [bucket_of(f"http://h{i}.test/", 4096) for i in range(3)] == [729, 416, 269]


def test_a_site_with_and_without_www_is_in_one_bucket_and_others_of_its_domain_are_not():
    one, other, user = (
        bucket_of(f"https://{host}/p.png", 10**6)
        for host in ("example.com", "www.example.com", "user.example.com")
    )
    assert one == other != user


def test_ports_and_schemes_are_of_one_host_and_what_is_no_url_has_none():
    assert host_of("https://a.test:8443/p") == host_of("http://a.test/q") == "a.test"
    assert host_of("http://[::1/") == host_of("file:///etc/passwd") == ""


def test_outcomes_come_out_as_they_went_in():
    outcomes = [
        Outcome("a", 3, "too_large", "http://a.test/\u00e4", 1001, 1000.0),
        Outcome("b", 3, location="s3://bucket/x.bin", offset=7, length=5),
    ]
    assert unpack_outcomes(pack_outcomes(outcomes)) == outcomes
