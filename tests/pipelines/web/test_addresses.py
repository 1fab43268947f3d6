import pytest

from pipelines.web.addresses import LoopbackAllowance, denial, first_denial, is_web_port

DENIED = {
    "0.0.0.0": "this network",
    "10.0.0.1": "private",
    "100.64.0.1": "carrier-grade NAT",
    "100.127.255.255": "carrier-grade NAT",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "168.63.129.16": "cloud metadata",
    "169.254.169.254": "link-local",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.8": "IETF protocol",
    "192.0.2.1": "documentation",
    "192.88.99.1": "6to4 relay",
    "192.168.1.1": "private",
    "198.19.255.255": "benchmarking",
    "198.51.100.1": "documentation",
    "203.0.113.1": "documentation",
    "224.0.0.1": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "::": "unspecified",
    "::1": "loopback",
    "::127.0.0.1": "IPv4-compatible",
    "::ffff:127.0.0.1": "IPv4-mapped",
    "::ffff:8.8.8.8": "IPv4-mapped",
    "64:ff9b::7f00:1": "NAT64",
    "64:ff9b:1::1": "NAT64",
    "100::1": "discard-only",
    "400::1": "unassigned",
    "2001::1": "Teredo",
    "2001:20::1": "IETF protocol",
    "2001:db8::1": "documentation",
    "2002:7f00:1::": "6to4",
    "3fff::1": "documentation",
    "4000::1": "unassigned",
    "5f00::1": "segment routing",
    "9000::1": "unassigned",
    "fc00::1": "unique local",
    "fd00:ec2::254": "unique local",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
}


@pytest.mark.parametrize(("address", "name"), DENIED.items())
def test_special_addresses_are_denied_by_name(address, name):
    assert denial(address) == name


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "223.255.255.255",
        "2606:4700::1111",
        "2a00:1450::1",
        "2001:4860:4860::8888",
    ],
)
def test_public_addresses_pass(address):
    assert denial(address) is None


def test_one_denied_answer_among_public_ones_is_enough_and_order_does_not_matter():
    assert first_denial(["8.8.8.8", "10.0.0.2", "10.0.0.1"]) == "10.0.0.1 (private)"
    assert first_denial(["10.0.0.1", "8.8.8.8", "10.0.0.2"]) == "10.0.0.1 (private)"
    assert first_denial(["8.8.8.8", "2606:4700::1111"]) is None


def test_web_ports():
    assert [port for port in (22, 25, 80, 443, 8080, 65535) if is_web_port(port)] == [
        80,
        443,
        8080,
        65535,
    ]


def test_a_grant_covers_its_suffix_and_nothing_that_only_looks_like_it():
    loopback = LoopbackAllowance(8080, ".demo.test")
    assert loopback.covers("img.demo.test")
    assert not loopback.covers("demo.test")
    assert not loopback.covers("evildemo.test")
    assert not loopback.covers("img.demo.test.example.com")


@pytest.mark.parametrize(
    ("port", "suffix"), [(80, ""), (80, "."), (80, "test"), (0, ".a"), (1 << 16, ".a")]
)
def test_a_grant_that_is_too_wide_is_refused(port, suffix):
    with pytest.raises(ValueError, match=r"must start|outside"):
        LoopbackAllowance(port, suffix)
