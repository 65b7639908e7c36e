"""Server-sent events of one incident, taken up again where they broke off."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx2

from tocsin.cli.client import API, Client, Wire
from tocsin.cli.failure import Failure
from tocsin.cli.output import STDERR, STDOUT

Event = dict[str, Any]
AGAIN_S: Final = 1.0
OVER: Final = frozenset({"Closed", "Dismissed"})
SILENCE: Final = httpx2.Timeout(60.0, connect=5.0)
"""The server says something every 15 seconds."""


def follow(client: Client, ref: str, *, as_json: bool, say: Callable[[list[Event]], None]) -> None:
    """Print the timeline and then whatever happens, until the incident is over."""
    if not isinstance(client.way, Wire):
        raise Failure(
            "nothing can happen: no server is running",
            possible="tocsin show prints what there is; tocsin serve runs",
        )
    seen = 0
    while True:
        for event in _stream(client, ref, seen):
            seen = event["seq"]
            _print(event, as_json=as_json, say=say)
            if event["kind"] in OVER:
                return
        time.sleep(AGAIN_S)
        client.get(f"incidents/{ref}")  # waits for the server, and notices a new one


def _print(event: Event, *, as_json: bool, say: Callable[[list[Event]], None]) -> None:
    if as_json:
        STDOUT.line(json.dumps(event))
    else:
        say([event])
    STDOUT.stream.flush()


def _stream(client: Client, ref: str, after: int) -> Iterator[Event]:
    """Events of the incident after that seq, as they come; ends when the line breaks."""
    wire = client.way
    if not isinstance(wire, Wire):
        return
    asked: dict[str, Any] = {"ref": ref, "after": after}
    try:
        with wire.http.stream("GET", f"{API}events", params=asked, timeout=SILENCE) as answer:
            if answer.status_code >= 500:
                return
            if answer.status_code != 200:
                raise Failure(f"the server answered {answer.status_code} to following events")
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))
    except httpx2.TransportError:
        STDERR.line("tocsin: the line broke; connecting again")
