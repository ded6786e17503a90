"""Which addresses HTTP may reach. Checked after the name is resolved; the connection goes to what was checked.

Documents come from lists and redirects that others write. Without this rule, a link to ``169.254.169.254`` or to
a host of the office would fetch, and keep, what only this machine can see.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Sequence

import httpcore

from extractors.punctual import Punctual
from schemas.errors import SourceError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class RefusedAddressError(SourceError):
    """The address is not public, and no setting allows it."""


class UnknownHostError(SourceError):
    """The host's name cannot be resolved. ``passing``: the name server did not answer, which may pass."""

    def __init__(self, host: str, *, passing: bool) -> None:
        super().__init__(
            f"The host {host} cannot be found.",
            remedy="Check the name, and that this machine has a name server.",
        )
        self.passing = passing


class PublicNetwork(httpcore.SyncBackend):
    """Connects to public addresses, and to those in ``allowed`` networks.

    Every connection of a client comes through here: the first, those of redirects, and those to bare addresses.
    The name is resolved once and the connection made to that very address, so that a name server cannot give
    another answer in between.
    """

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = tuple(allowed)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to one of the host's addresses.

        Raises:
            RefusedAddressError: one of them may not be reached.
            UnknownHostError: it has none.
        """
        addresses = resolve(host, port)
        for address in addresses:
            self._check(host, address)
        failed: Exception | None = None
        for address in addresses:
            try:
                found = super().connect_tcp(str(address), port, timeout, local_address, socket_options)
                return Punctual(found)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore.ConnectError(host)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Never: a socket of this machine is no source."""
        raise RefusedAddressError(f"The socket {path} is no source.")

    def _check(self, host: str, address: Address) -> None:
        if not is_public(address) and not any(address in network for network in self._allowed):
            raise RefusedAddressError(
                f"The host {host} is at {address}, which is not a public address.",
                remedy="If it is to be reached, allow its network: PARQUETRY_INTAKE__ALLOW_NETWORKS="
                f"'[\"{ipaddress.ip_network(address)}\"]', or allow_networks under [intake] in parquetry.toml.",
            )


def resolve(host: str, port: int) -> list[Address]:
    """All addresses of a host, each once, in the system's order.

    Raises:
        UnknownHostError: it has none.
    """
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        passing = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
        raise UnknownHostError(host, passing=passing) from error
    return list(dict.fromkeys(_plain(str(entry[4][0])) for entry in found))


def _plain(text: str) -> Address:
    """The address without its zone, and the IPv4 address that an IPv6 one stands for."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_public(address: Address) -> bool:
    """Whether an address is on the public internet, and so is what it is a tunnel to."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address.teredo is not None:
            inner = address.teredo[1]
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved
