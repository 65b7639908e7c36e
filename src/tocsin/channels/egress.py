"""Where a request may go: a name is resolved once, every address it stands for is judged, and one of them is used.

Whoever can name a target must not reach what only this machine can reach (design 25). Never: link-local addresses, the
metadata services of clouds, multicast, "this network". Loopback: only where the settings allow it. An address that
wraps an IPv4 address (mapped, 6to4, Teredo, NAT64) is judged by both.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from tocsin.domain.delivery import permanent, retry

Address = IPv4Address | IPv6Address

_METADATA: Final = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # link-local as well: nearly every cloud
        "fd00:ec2::254",  # Amazon over IPv6
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure's host agent
        "192.0.0.192",  # Oracle
    )
)
_THIS_NETWORK: Final = ip_network("0.0.0.0/8")
_NAT64: Final = ip_network("64:ff9b::/96")


async def resolve(host: str, port: int, *, allow_loopback: bool) -> list[Address]:
    """The addresses of a host in the order of the system's resolver, all of them allowed.

    Raises Undelivered: permanent when one of them is forbidden, retry when the name has none now.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise retry(f"the name {host} cannot be resolved") from None
    addresses = list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))
    for address in addresses:
        if why := forbidden(address, allow_loopback=allow_loopback):
            raise permanent(f"{host} is {address}, {why}", channel=True)
    return addresses


def forbidden(address: Address, *, allow_loopback: bool) -> str:
    """Why no request may go to this address; empty when it may."""
    for one in (address, *_wrapped(address)):
        if one in _METADATA:
            return "a metadata service, which is never called"
        if one.is_link_local:
            return "a link-local address, which is never called"
        if one.is_loopback and not allow_loopback:
            return "this machine, which is called only with allow_loopback = true"
        if one.is_multicast or one.is_unspecified or one in _THIS_NETWORK or str(one) == "255.255.255.255":
            return "no address of a single machine"
    return ""


def _wrapped(address: Address) -> Iterator[IPv4Address]:
    if isinstance(address, IPv4Address) or address.is_loopback or address.is_unspecified:
        return
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if address in _NAT64 or int(address) >> 32 == 0:
        yield IPv4Address(int(address) & 0xFFFF_FFFF)
