"""`kill -9` of the server, again and again, under a stream of commands that are asked again under the same key.

Everything that was answered is there afterwards, and nothing is there twice, answered or not.
"""

from __future__ import annotations

import json
import math
import random
import signal
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

SENDERS = 3
LIFE_S = (0.05, 0.5)
"""How long a server lives once it answers."""
ENOUGH_S = 50
"""On a busy machine half of the kills are enough after this time."""


@dataclass
class Sender:
    """Declares, and writes notes; every command has one key for all its tries."""

    server_file: Path
    over: threading.Event
    declared: dict[str, str] = field(default_factory=dict)
    noted: list[tuple[str, str]] = field(default_factory=list)
    asked_again: int = 0
    http: httpx2.Client = field(
        default_factory=lambda: httpx2.Client(trust_env=False, verify=False, timeout=5)
    )

    def run(self):
        while not self.over.is_set():
            title = f"sign-in {uuid.uuid4().hex}"
            answer = self.ask("/api/v1/incidents", {"title": title, "sev": "SEV4"})
            if answer is None:
                return
            self.declared[title] = answer["ref"]
            for _ in range(3):
                text = f"note {uuid.uuid4().hex}"
                if self.ask(f"/api/v1/incidents/{answer['ref']}/note", {"text": text}) is None:
                    return
                self.noted.append((answer["ref"], text))

    def ask(self, path, body):
        """The answer, however often it takes; None when the test is over."""
        key = uuid.uuid4().hex
        while not self.over.is_set():
            try:
                server = json.loads(self.server_file.read_text())
                headers = {"authorization": f"Bearer {server['token']}", "idempotency-key": key}
                url = server["url"] + path
                answer = self.http.post(url, json=body, headers=headers)
            except (OSError, ValueError, httpx2.TransportError):
                self.asked_again += 1
                time.sleep(0.02)
                continue
            if answer.status_code in {200, 201}:
                return answer.json()
            assert answer.status_code in {401, 503}, answer.text
            time.sleep(0.02)
        return None


def everything(acme):
    """Titles and notes as they stand in the database, each with how often."""
    titles, notes, cursor = Counter(), Counter(), None
    while True:
        more = ["--cursor", cursor] if cursor else []
        page = acme.json("list", "--limit", "200", *more)
        for row in page["incidents"]:
            titles[row["title"]] += 1
        cursor = page["next"]
        if cursor is None:
            return titles, notes


def notes_of(running, ref):
    with running.http() as http:
        events = http.get(f"/api/v1/incidents/{ref}/timeline").json()["events"]
    return Counter(e["text"].split(": ", 1)[1] for e in events if e["kind"] == "Noted")


def kill_again_and_again(acme, start, port, kills, enough_s):
    over = threading.Event()
    senders = [Sender(acme.folder / "var" / "server.json", over) for _ in range(SENDERS)]
    threads = [threading.Thread(target=sender.run) for sender in senders]
    chance = random.Random(7)
    running = start(acme, "serve", port=port)
    for thread in threads:
        thread.start()
    begun, killed = time.monotonic(), 0
    while killed < kills and (killed < kills / 2 or time.monotonic() - begun < enough_s):
        time.sleep(chance.uniform(*LIFE_S))
        running.stop(signal.SIGKILL)
        killed += 1
        running = start(acme, "serve", port=port)
    over.set()
    for thread in threads:
        thread.join(20)
    print(f"{killed} kills in {time.monotonic() - begun:.0f} s")
    return running, senders


def hold_to_account(acme, running, senders):
    titles, _ = everything(acme)
    answered = {title: ref for sender in senders for title, ref in sender.declared.items()}
    assert len(answered) > 5
    assert [title for title in answered if titles[title] != 1] == []
    assert [title for title, count in titles.items() if count > 1] == []
    assert len(set(answered.values())) == len(answered)
    for ref in answered.values():
        found = notes_of(running, ref)
        assert [text for text, count in found.items() if count > 1] == []
        asked = [text for sender in senders for of, text in sender.noted if of == ref]
        assert set(asked) <= set(found)
    assert sum(sender.asked_again for sender in senders) > 0


def test_ten_kills_lose_and_double_nothing(acme, start, any_port):
    hold_to_account(acme, *kill_again_and_again(acme, start, any_port(), 10, ENOUGH_S))


@pytest.mark.soak
def test_fifty_kills_lose_and_double_nothing(acme, start, any_port):
    hold_to_account(acme, *kill_again_and_again(acme, start, any_port(), 50, math.inf))


def test_a_command_outlives_the_server_it_spoke_to(acme, start, any_port, until):
    """Commands at a terminal while the server is killed and started again: each is done once."""
    port = any_port()
    running = start(acme, "serve", port=port)
    ref = acme.json("declare", "Sign-in loops", "--sev", "SEV4")["ref"]
    over, texts = threading.Event(), []

    def type_notes():
        while not over.is_set():
            text = f"note {len(texts)}"
            acme.run("note", ref, text)
            texts.append(text)

    typist = threading.Thread(target=type_notes)
    typist.start()
    for kills in range(3):
        until(lambda so_far=kills: len(texts) > so_far, "a command comes through", within=40)
        time.sleep(0.1)
        running.stop(signal.SIGKILL)
        running = start(acme, "serve", port=port)
    over.set()
    typist.join(60)
    assert len(texts) >= 3
    assert notes_of(running, ref) == Counter(texts)
