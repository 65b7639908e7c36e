"""Two processes on one PostgreSQL: they share the work, and one takes over when the other is killed."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from cli.conftest import Running, Shell, Starter, eventually, free_port
from tocsin.channels.mailbox import Mailbox
from tocsin.store import migrate

pytestmark = pytest.mark.postgres

INCIDENTS = 40
TAKEN_OVER_S = 5.0


@pytest.fixture
def nodes(
    postgres_url: str, node_folder: Callable[..., Shell], start: Starter, mailbox: Mailbox
) -> list[Running]:
    migrate(postgres_url)
    return [
        start(node_folder(name, postgres_url, mailbox.port), "serve", port=free_port()) for name in ("a", "b")
    ]


def ask(node: Running, path: str, **body: object) -> dict[str, object]:
    with node.http() as client:
        answer = client.post(path, json=body)
    assert answer.status_code in (200, 201), answer.text
    return dict(answer.json())


def declare(node: Running, number: int) -> str:
    return str(ask(node, "/api/v1/incidents", title=f"Outage {number}", sev="SEV1")["ref"])


def timeline(node: Running, ref: str) -> list[dict[str, str]]:
    with node.http() as client:
        return list(client.get(f"/api/v1/incidents/{ref}/timeline").json()["events"])


def mails_about(mailbox: Mailbox, ref: str, subject: str) -> Counter[str]:
    return Counter(m.to for m in mailbox.messages() if m.ref == ref and subject in m.subject)


def test_work_is_shared_and_a_killed_node_is_replaced(
    nodes: list[Running], mailbox: Mailbox, postgres_url: str
) -> None:
    with ThreadPoolExecutor(8) as pool:
        refs = list(pool.map(lambda n: declare(nodes[n % 2], n), range(INCIDENTS)))
    assert len(set(refs)) == INCIDENTS
    eventually(lambda: all(mails_about(mailbox, ref, "You are called") for ref in refs), "every first page")
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as db:
        owners = {
            owner for (owner,) in db.execute("SELECT DISTINCT owner FROM effect WHERE owner IS NOT NULL")
        }
    assert len(owners) == 2, "both nodes carried pages"

    victim, survivor = nodes
    last = declare(victim, INCIDENTS)
    victim.stop(signal.SIGKILL)
    killed = time.monotonic()
    eventually(
        lambda: mails_about(mailbox, last, "You are called")["ann@test.example"],
        "the page of the incident that the killed node had just accepted",
        within=TAKEN_OVER_S,
    )
    eventually(
        lambda: mails_about(mailbox, last, "You are called")["bea@test.example"],
        "the next step of its ladder, due two seconds after the first",
        within=2 + TAKEN_OVER_S - (time.monotonic() - killed),
    )

    everyone = {"ann@test.example", "bea@test.example", "cem@test.example"}
    for ref in [*refs, last]:
        eventually(
            lambda ref=ref: mails_about(mailbox, ref, "You are called").keys() >= everyone, f"{ref}: every IC"
        )
        kinds = Counter(e["kind"] for e in timeline(survivor, ref))
        assert kinds["ClockBreached"] == 1, f"{ref}: one breach"
        ended = Counter(e["text"].split(":")[0] for e in timeline(survivor, ref) if e["kind"] == "PageEnded")
        assert all(times == 1 for times in ended.values()), f"{ref}: {ended}"
