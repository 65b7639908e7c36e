"""The wall clock of a running server steps ten minutes: no page is lost, none is sent twice, and it is recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import Shell, Starter, eventually, free_port
from conftest import faketime
from tocsin.channels.mailbox import Mailbox

pytestmark = pytest.mark.clockstep


@pytest.mark.parametrize("offset", ["-600", "+600"])
def test_a_step(
    node_folder: Callable[..., Shell], start: Starter, mailbox: Mailbox, tmp_path: Path, offset: str
) -> None:
    stamp = tmp_path / "offset"
    stamp.write_text("+0")
    shell = node_folder("node", f"sqlite:///{tmp_path / 'tocsin.db'}", mailbox.port)
    shell.environment |= {
        "LD_PRELOAD": str(faketime()),
        "FAKETIME_TIMESTAMP_FILE": str(stamp),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    node = start(shell, "serve", port=free_port())
    with node.http() as client:
        ref = client.post("/api/v1/incidents", json={"title": "Outage", "sev": "SEV1"}).json()["ref"]
        eventually(lambda: any("called" in m.subject for m in mailbox.messages()), "the first page")

        stamp.write_text(offset)

        everyone = {"ann@test.example", "bea@test.example", "cem@test.example"}
        eventually(
            lambda: {m.to for m in mailbox.messages() if "called" in m.subject} == everyone, "every IC"
        )
        events = client.get(f"/api/v1/incidents/{ref}/timeline").json()["events"]
        jumps = [j for j in client.get("/api/v1/journal").json()["journal"] if j["kind"] == "clock_jump"]
    kinds = Counter(e["kind"] for e in events)
    assert kinds["ClockBreached"] == 1
    assert [e["recorded_at"] for e in events] == sorted(e["recorded_at"] for e in events)
    assert len(jumps) == 1
    asked = {e["text"] for e in events if e["kind"] == "PageRequested"}
    sent = [e["text"] for e in events if e["kind"] == "PageSent"]
    assert len(sent) == len(set(sent)) <= len(asked)
