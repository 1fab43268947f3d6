"""Which addresses may be connected to: public unicast only, by a table of our own.

`ipaddress.is_global` is not asked: before Python 3.11.10 it is True for NAT64, 6to4, site-local,
IPv4-compatible and multicast addresses (CVE-2024-4032).
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

# Source: IANA IPv4 and IPv6 Special-Purpose Address Registries and the RFCs named there; the
# first match names the reason, so the catch-alls of unassigned space come last.
_DENIED = [
    (ipaddress.ip_network(network), name)
    for network, name in [
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "cloud metadata"),  # Source: Azure, "What is IP 168.63.129.16?"
        ("169.254.0.0/16", "link-local"),  # holds 169.254.169.254, the cloud metadata service
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "IETF protocol"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::/96", "IPv4-compatible"),
        ("::ffff:0:0/96", "IPv4-mapped"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "NAT64"),
        ("100::/64", "discard-only"),
        ("2001::/32", "Teredo"),
        ("2001::/23", "IETF protocol"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "unique local"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
        ("::/3", "unassigned"),  # only 2000::/3 is global unicast. Source: RFC 4291, section 2.4
        ("4000::/2", "unassigned"),
        ("8000::/1", "unassigned"),
    ]
]
_WEB_PORTS_BELOW_1024 = frozenset({80, 443})  # chosen: the rest are mail, shells and the like


@dataclass(frozen=True)
class LoopbackAllowance:
    """The permission to reach one server on this machine, and nothing else.

    Args:
        port: on 127.0.0.1.
        host_suffix: hosts that end in it, such as `.demo.test`, are that server and are not looked
            up. Every other name that resolves to this machine stays refused.
    """

    port: int
    host_suffix: str

    def __post_init__(self) -> None:
        if not self.host_suffix.startswith(".") or len(self.host_suffix) < 2:
            raise ValueError(f"host_suffix {self.host_suffix!r} must start with a dot and a name")
        if not 0 < self.port < 65536:
            raise ValueError(f"port {self.port} is outside 1..65535")

    def covers(self, host: str) -> bool:
        """Whether the host is the granted server."""
        return host.endswith(self.host_suffix)


def denial(address: str) -> str | None:
    """The name of the denied network that holds an address; None where it is public.

    Raises:
        ValueError: not an IP address.
    """
    parsed = ipaddress.ip_address(address)
    return next((name for network, name in _DENIED if parsed in network), None)


def first_denial(addresses: Iterable[str]) -> str | None:
    """The first denied address of a host in sorted order; one is enough to refuse the host."""
    for address in sorted(addresses):
        if name := denial(address):
            return f"{address} ({name})"
    return None


def is_web_port(port: int) -> bool:
    """Whether a port may hold a web server."""
    return port >= 1024 or port in _WEB_PORTS_BELOW_1024
