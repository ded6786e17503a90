"""Whether a Ray cluster answers at an address, in seconds: Ray itself tries for minutes, or for ever."""

from __future__ import annotations

import os
import socket
from typing import Any

from schemas.errors import UsageError

ANSWER_SECONDS = 5.0
CLIENT = "ray://"
"""Of addresses of Ray's client server, which carries the flow's calls to the cluster; others are those of its head."""
_HEADS, _CLIENTS = "/ray.rpc.NodeInfoGcsService/GetClusterId", "/ray.rpc.RayletDriver/ClusterInfo"
"""What only a head knows, and only a client server."""
_PORTS = "HOST:6379 is the usual address of a head, ray://HOST:10001 that of its client server."


def check_address(address: str) -> None:
    """Raises `UsageError` when nothing listens there, or what listens is another part of Ray, or none."""
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS", "")  # else Ray looks for processes of this machine
    if address in ("", "local", "auto"):
        return
    place = address.removeprefix(CLIENT)
    host, _, port = place.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"No Ray cluster answers at {address}: {error}.",
            remedy="Start one there (`ray start --head --port 6379`), or correct ray.address (auto takes RAY_ADDRESS).",
        ) from error
    if os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true"):
        return  # only Ray has the keys
    import grpc

    with grpc.insecure_channel(place) as channel:
        _check_server(channel, address)


def _check_server(channel: Any, address: str) -> None:
    import grpc

    try:
        grpc.channel_ready_future(channel).result(timeout=ANSWER_SECONDS)
    except grpc.FutureTimeoutError as error:
        raise UsageError(
            f"What answers at {address} is no Ray cluster.", remedy=f"Correct ray.address: {_PORTS}"
        ) from error
    by_client = address.startswith(CLIENT)
    if _knows(channel, _HEADS if by_client else _CLIENTS):
        what = "the head of a Ray cluster, not its" if by_client else "a Ray cluster's"
        raise UsageError(f"At {address} is {what} client server.", remedy=f"Correct ray.address: {_PORTS}")


def _knows(channel: Any, method: str) -> bool:
    """Whether the method is there for sure; a cluster with tokens does not say, and Ray finds out, in minutes."""
    import grpc

    try:
        channel.unary_unary(method)(b"", timeout=ANSWER_SECONDS)
    except grpc.RpcError as error:
        return bool(
            error.code() == grpc.StatusCode.NOT_FOUND
        )  # the client server: it does not know this client
    return True
