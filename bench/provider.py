"""A provider on the loopback that takes webhooks in a process of its own and remembers when each one began to arrive.

`python -m bench.provider` listens on a quick port and a slow one, prints both numbers, and ends with its standard
input. Whoever uses it asks the quick port: `GET /` answers the stamps so far as JSON, by incident.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

from bench.places import ROOT

SLOW_S = 10.0
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Provider:
    """Where it listens."""

    quick: str
    slow: str

    def stamps(self) -> dict[str, float]:
        """Seconds since 1970 at which the first byte for each incident came in at the quick port."""
        with urllib.request.urlopen(self.quick, timeout=5) as answer:
            found: dict[str, float] = json.load(answer)
            return found


@contextlib.contextmanager
def provider() -> Iterator[Provider]:
    """It runs as long as this."""
    command = [sys.executable, "-m", "bench.provider"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        quick, slow = process.stdout.readline().split()
        yield Provider(*(f"http://127.0.0.1:{int(port)}/" for port in (quick, slow)))


async def _serve() -> None:
    stamps: dict[str, float] = {}

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wait_s: float) -> None:
        first = await reader.read(1)
        at = time.time()
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = first + await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET"):
                body = json.dumps(stamps).encode()
                writer.write(OK.replace(b"length: 0", f"length: {len(body)}".encode()) + body)
            else:
                length = int(head.lower().split(b"content-length:")[1].split()[0])
                ref = json.loads(await reader.readexactly(length))["data"]["ref"]
                stamps.setdefault(ref, at)
                await asyncio.sleep(wait_s)
                writer.write(OK)
            await writer.drain()
        writer.close()

    servers = [
        await asyncio.start_server(lambda r, w, wait_s=wait_s: taken(r, w, wait_s), "127.0.0.1", 0)
        for wait_s in (0.0, SLOW_S)
    ]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)  # what it holds back is dropped without a word, as by a provider that fails


if __name__ == "__main__":
    asyncio.run(_serve())
