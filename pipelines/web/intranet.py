"""Private hosts that a config allows to be reached, each by name, network and port."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipelines.web.urls import SCHEMES, canonical_host

# The networks that an organisation may number as it likes; of loopback, link-local and the
# metadata services of clouds no part can be allowed. Source: RFC 1918, RFC 6598 and RFC 4193.
_PRIVATE = [
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
]

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class IntranetAllowance:
    """The permission to reach some private hosts.

    Args:
        host: a name, or `*.` before the last two or more labels of names.
        networks: private networks in CIDR notation, that all addresses of such a host must be in.
        ports: of those hosts.

    Raises:
        ValueError: it is not that narrow.
    """

    host: str
    networks: tuple[str, ...]
    ports: tuple[int, ...] = tuple(SCHEMES.values())

    def __post_init__(self) -> None:
        name = self.host.removeprefix("*.")
        if "*" in name or not _is_canonical(name):
            raise ValueError(f"host {self.host!r} is neither a name in lower case nor `*.` and one")
        if self.host != name and "." not in name:
            raise ValueError(f"host {self.host!r} is too wide: `*.` needs two labels behind it")
        if not self.networks or not self.ports:
            raise ValueError(f"host {self.host!r} needs networks and ports")
        for network in self.networks:
            _check_private(network)
        for port in self.ports:
            if not 0 < port < 65536:
                raise ValueError(f"port {port} is outside 1..65535")

    def covers(self, host: str) -> bool:
        """Whether a canonical host is one of those; `*.a.b` is not `a.b` itself."""
        return host.endswith(self.host[1:]) if self.host.startswith("*.") else host == self.host

    def holds(self, address: str) -> bool:
        """Whether an address is in its networks."""
        parsed = ipaddress.ip_address(address)
        return any(parsed in ipaddress.ip_network(network) for network in self.networks)

    def __str__(self) -> str:
        return f"{self.host} in {', '.join(self.networks)}, port {', '.join(map(str, self.ports))}"


def is_allowed(
    host: str, port: int, addresses: Sequence[str], allow: Iterable[IntranetAllowance]
) -> bool:
    """Whether a host whose addresses are all denied to the public may be reached all the same.

    One allowance must hold all the addresses: a public or a foreign one among them refuses it.
    """
    return bool(addresses) and any(
        rule.covers(host) and port in rule.ports and all(map(rule.holds, addresses))
        for rule in allow
    )


def _is_canonical(name: str) -> bool:
    try:
        return canonical_host(name) == name
    except ValueError:
        return False


def _check_private(network: str) -> None:
    try:
        parsed = ipaddress.ip_network(network)
    except ValueError as error:
        raise ValueError(f"network {network!r}: {error}; write it as 10.2.0.0/16") from error
    if not any(_holds(private, parsed) for private in _PRIVATE):
        known = ", ".join(map(str, _PRIVATE))
        raise ValueError(f"network {network!r} is in none of the private ones: {known}")


def _holds(outer: _Network, inner: _Network) -> bool:
    return inner.network_address in outer and inner.prefixlen >= outer.prefixlen
