"""Signing in: a link that works once within ten minutes, a session behind a cookie.

GET of a link only shows a button, because mail and chat programs fetch links to preview them; POST uses it. When
nobody has the standing of an administrator, whoever uses a link first becomes one: that is how the first one comes
to be, and only somebody on the server's machine or an administrator can make a link.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from tocsin.domain.people import Person
from tocsin.store.contract import JournalRow, SecretRow
from tocsin.web.auth import digest, is_over, new_secret, open_session, person_of
from tocsin.web.problems import Problem
from tocsin.wiring.program import Program

LINK_MINUTES: Final = 10
TRIES: Final = 10
TRIES_PER: Final = timedelta(minutes=1)
PLACES_KEPT: Final = 10_000


def link_expiry(now: datetime) -> datetime:
    """When a link made now stops working."""
    return now + timedelta(minutes=LINK_MINUTES)


def issue_signin_link(program: Program, person: str) -> str:
    """A new link that signs `person` in once. Whoever has it is that person: show it to nobody else."""
    now, token = program.clock.now(), new_secret()
    program.store.save_secret(
        SecretRow(digest(token), "signin", person.removeprefix("@"), now, link_expiry(now))
    )
    return f"{program.settings.server.base_url}/signin/{token}"


def use_link(program: Program, token: str) -> str:
    """Use a link up: the cookie of a new session. Raises Problem when it does not work (any more)."""
    now = program.clock.now()
    row = program.store.secret(digest(token))
    gone = Problem(
        403, "This link was used already, has expired or never existed", possible="ask for a new link"
    )
    if (
        row is None
        or row.kind != "signin"
        or is_over(row, now)
        or not program.store.use_secret(row.hash, now)
    ):
        raise gone
    person = _first_admin(program, row.person, now)
    if person is None:
        raise gone
    program.store.note(JournalRow(now, "signed_in", person.handle))
    return open_session(program, person.handle, now)


def _first_admin(program: Program, handle: str, now: datetime) -> Person | None:
    """The person; made an administrator when there is none at all."""
    directory = program.engine.contexts.live.directory
    person = directory.get(handle)
    if directory.admins():
        return person
    first = replace(person or Person(handle, handle, in_roster=False), standing="admin")
    program.store.save_person(first)
    program.store.note(JournalRow(now, "first_admin", handle))
    program.refresh_people()
    return person_of(program, handle)


@dataclass(slots=True)
class Attempts:
    """Attempts by where they come from (or what they use): a bucket of `tries` that refills in a minute."""

    tries: int = TRIES
    said: str = "Too many attempts to sign in"
    left: dict[str, tuple[float, datetime]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, place: str, now: datetime) -> None:
        """One more attempt. Raises Problem 429 when there were too many."""
        with self.lock:
            tokens, since = self.left.get(place, (float(self.tries), now))
            tokens = min(float(self.tries), tokens + (now - since) / TRIES_PER * self.tries)
            if tokens < 1:
                raise Problem(
                    429,
                    self.said,
                    possible="wait a minute",
                    headers={"Retry-After": "60"},
                )
            if len(self.left) >= PLACES_KEPT:
                self.left.clear()
            self.left[place] = (tokens - 1, now)

    def give_back(self, place: str) -> None:
        """It worked: this attempt does not count."""
        with self.lock:
            tokens, since = self.left.get(place, (float(self.tries), None))
            if since is not None:
                self.left[place] = (tokens + 1, since)
