"""Private hosts are reached where a config allows it, and nowhere else."""

import asyncio

import pytest

from pipelines.web.connect import Gate
from pipelines.web.failures import FetchError, Reason
from pipelines.web.intranet import IntranetAllowance, is_allowed

PUBLIC = "93.184.215.14"
CORP = IntranetAllowance("*.corp.example", ("10.2.0.0/16", "fd12:3456::/32"), (8080,))


def vetted(host, port, addresses):
    gate = Gate(lambda _: addresses, allow=(CORP,))
    try:
        return asyncio.run(gate.endpoints(host, port))
    except FetchError as error:
        return error.failure.reason
    finally:
        gate.close()


@pytest.mark.parametrize(
    ("host", "port", "addresses", "is_reached"),
    [
        ("img.corp.example", 8080, ["10.2.3.4"], True),
        ("a.b.corp.example", 8080, ["10.2.3.4", "fd12:3456::1"], True),
        ("img.corp.example", 443, [PUBLIC], True),  # allowed, but public
        ("img.corp.example", 8080, [PUBLIC], True),
        ("img.corp.example", 80, ["10.2.3.4"], False),  # another port
        ("img.corp.example", 22, ["10.2.3.4"], False),
        ("img.corp.example", 22, [PUBLIC], False),
        ("img.corp.example", 8080, ["10.3.3.4"], False),  # another network
        ("img.corp.example", 8080, ["127.0.0.1"], False),
        ("img.corp.example", 8080, ["169.254.169.254"], False),
        ("img.corp.example", 8080, ["10.2.3.4", PUBLIC], False),  # mixed
        ("img.corp.example", 8080, ["10.2.3.4", "10.3.3.4"], False),
        ("corp.example", 8080, ["10.2.3.4"], False),  # another name
        ("evilcorp.example", 8080, ["10.2.3.4"], False),
        ("img.corp.example.evil.test", 8080, ["10.2.3.4"], False),
        ("evil.test", 8080, ["10.2.3.4"], False),  # a public name that leads there
        ("10.2.3.4", 8080, ["10.2.3.4"], False),  # the address itself
    ],
)
def test_what_an_allowance_opens(host, port, addresses, is_reached):
    wanted = [(address, port) for address in addresses] if is_reached else Reason.ADDRESS_REFUSED
    assert vetted(host, port, addresses) == wanted


def test_two_allowances_for_one_host_do_not_add_up():
    rules = [
        IntranetAllowance("a.test", (network,), (80,)) for network in ("10.1.0.0/16", "10.2.0.0/16")
    ]
    assert is_allowed("a.test", 80, ["10.2.0.1"], rules)
    assert not is_allowed("a.test", 80, ["10.1.0.1", "10.2.0.1"], rules)


def test_a_host_may_be_named_by_itself_or_by_its_address():
    one = IntranetAllowance("files", ("192.168.1.7/32",))
    assert is_allowed("files", 80, ["192.168.1.7"], [one])
    assert not is_allowed("a.files", 80, ["192.168.1.7"], [one])
    by_address = IntranetAllowance("192.168.1.7", ("192.168.1.7/32",))
    assert is_allowed("192.168.1.7", 443, ["192.168.1.7"], [by_address])


@pytest.mark.parametrize(
    ("host", "networks", "ports"),
    [
        ("*", ("10.0.0.0/8",), (80,)),
        ("*.", ("10.0.0.0/8",), (80,)),
        ("*.example", ("10.0.0.0/8",), (80,)),
        ("a.*.example", ("10.0.0.0/8",), (80,)),
        ("*corp.example", ("10.0.0.0/8",), (80,)),
        ("Corp.example", ("10.0.0.0/8",), (80,)),
        ("http://corp.example", ("10.0.0.0/8",), (80,)),
        ("", ("10.0.0.0/8",), (80,)),
        ("corp.example", (), (80,)),
        ("corp.example", ("10.0.0.0/8",), ()),
        ("corp.example", ("10.0.0.0/8",), (0,)),
        ("corp.example", ("10.0.0.0/8",), (65536,)),
        ("corp.example", ("0.0.0.0/0",), (80,)),
        ("corp.example", ("::/0",), (80,)),
        ("corp.example", ("127.0.0.0/8",), (80,)),
        ("corp.example", ("169.254.169.254/32",), (80,)),
        ("corp.example", ("168.63.129.16/32",), (80,)),
        ("corp.example", ("93.184.0.0/16",), (80,)),
        ("corp.example", ("10.2.0.1/16",), (80,)),
        ("corp.example", ("10.2",), (80,)),
    ],
)
def test_an_allowance_that_is_not_narrow_is_refused(host, networks, ports):
    with pytest.raises(ValueError, match=r"host|network|port"):
        IntranetAllowance(host, networks, ports)


def test_an_allowance_says_what_it_opens():
    assert str(CORP) == "*.corp.example in 10.2.0.0/16, fd12:3456::/32, port 8080"
