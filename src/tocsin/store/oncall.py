"""What people change about on call while tocsin runs: adjustments, contact methods with their health, cursors.

Every change moves the stamp that other nodes look at, in the same transaction. On PostgreSQL that row is the lock under
which adjustments get their numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, insert, select, update

from tocsin.domain.schedules import Adjustment
from tocsin.store import sql
from tocsin.store.codec import decode_adjustment, storable, to_json
from tocsin.store.contract import (
    ADJUSTMENTS_FROM,
    FAILS_TO_DISABLE,
    AdjustmentConflict,
    Commit,
    ContactRow,
    Health,
    VersionConflict,
)
from tocsin.store.instants import instant, micros
from tocsin.store.link import Database, Link
from tocsin.store.tables import adjustment, journal

DISABLED = f"{FAILS_TO_DISABLE} messages in a row were refused for good: "


class OnCall(Database):
    """The rows that a rota is made of, besides those of the handbook."""

    def live_stamp(self) -> int:
        """Grows with every change of people, contacts and adjustments."""
        with self.reading() as link:
            found = link.rows(sql.LIVE_STAMP)
        return int(found[0][0]) if found else 0

    # -- adjustments --------------------------------------------------------------------------------------------------
    def adjustments(
        self, schedule: str | None = None, *, as_of: datetime | None = None
    ) -> list[tuple[str, Adjustment]]:
        """What was adjusted, oldest first; `as_of`: as it was known then."""
        table = adjustment.c
        query = select(table.schedule, table.body, table.revoked_at, table.closed_at).order_by(table.seq)
        if schedule is not None:
            query = query.where(table.schedule == schedule)
        if as_of is not None:
            query = query.where(table.made_at <= micros(as_of))
        with self.reading() as link:
            rows = link.core.execute(query).all()
        limit = None if as_of is None else micros(as_of)
        return [(row.schedule, _adjustment(row, limit)) for row in rows]

    def add_adjustment(self, schedule: str, made: Adjustment, expect: int | None) -> Adjustment:
        """Keep one, numbered. Raises AdjustmentConflict, ValueError."""
        if made.made_at is None:
            raise ValueError("an adjustment says when it was made")
        if made.end <= made.start:
            raise ValueError("an adjustment ends after it starts (T7)")
        with self.writing() as link:
            link.run(sql.STAMP_LIVE)
            last = link.core.execute(
                select(func.max(adjustment.c.seq)).where(adjustment.c.schedule == schedule)
            ).scalar()
            seen = expect if expect is not None and expect >= ADJUSTMENTS_FROM else None
            if last != seen:
                raise AdjustmentConflict(schedule, last)
            newest = link.core.execute(select(func.max(adjustment.c.seq))).scalar()
            kept = replace(made, seq=ADJUSTMENTS_FROM if newest is None else newest + 1)
            link.core.execute(
                insert(adjustment).values(
                    seq=kept.seq,
                    schedule=schedule,
                    body=storable(to_json(kept)),
                    made_at=micros(made.made_at),
                )
            )
            _note(link, made.made_at, "adjustment_created", schedule, kept, made.author)
        return kept

    def end_adjustment(self, schedule: str, seq: int, now: datetime, by: str) -> bool:
        """End one that goes on or has yet to begin."""
        this = (adjustment.c.seq == seq, adjustment.c.schedule == schedule)
        with self.writing() as link:
            link.run(sql.STAMP_LIVE)
            query = select(adjustment.c.body, adjustment.c.revoked_at, adjustment.c.closed_at).where(*this)
            row = link.core.execute(query.with_for_update()).first()
            known = _adjustment(row, None) if row else None
            if known is None or known.revoked_at is not None or known.end <= now:
                return False
            ends = max(known.start, now.replace(second=0, microsecond=0))
            values = {"revoked_at": micros(ends), "closed_at": micros(now), "closed_by": by}
            link.core.execute(update(adjustment).where(*this).values(values))
            _note(link, now, "adjustment_closed", schedule, known, by)
        return True

    # -- contacts -----------------------------------------------------------------------------------------------------
    def contacts(self, person: str | None = None) -> list[ContactRow]:
        """Contact methods with their health, by person and channel."""
        with self.reading() as link:
            found = link.rows(sql.CONTACTS) if person is None else link.rows(sql.CONTACTS_OF, person)
        return [_contact(row) for row in found]

    def save_contact(self, row: ContactRow) -> None:
        """Add or replace one."""
        values = (
            *(row.person, row.channel, storable(row.address), micros(row.added_at), micros(row.verified_at)),
            *(row.code_hash, micros(row.code_until), row.code_tries, storable(row.disabled)),
            *(micros(row.last_ok), micros(row.last_fail), row.fails, micros(row.test_at)),
            *(storable(row.tried), storable(row.detail), storable(row.waiting)),
        )
        with self.writing() as link:
            link.bulk(sql.KEEP_CONTACTS, [values])
            link.run(sql.STAMP_LIVE)

    def spend_code_try(self, person: str, channel: str, code_hash: str, limit: int) -> bool:
        """Count a try at the code under way; False: all are spent, or it is not that code any more."""
        with self.writing() as link:
            return link.run(sql.SPEND_CODE_TRY, person, channel, code_hash, limit) == 1

    def delete_contact(self, person: str, channel: str) -> None:
        """Forget one."""
        with self.writing() as link:
            link.run(sql.REMOVE_CONTACT, person, channel)
            link.run(sql.STAMP_LIVE)


def _adjustment(row: sql.Row, known_until: int | None) -> Adjustment:
    """An adjustment with its end, unless that was said only after `known_until` (microseconds)."""
    *_, body, revoked_at, closed_at = row
    made = decode_adjustment(body)
    unknown = known_until is not None and closed_at is not None and closed_at > known_until
    return made if revoked_at is None or unknown else replace(made, revoked_at=instant(revoked_at))


def _note(link: Link, at: datetime, kind: str, schedule: str, made: Adjustment, by: str) -> None:
    span = f"{made.start:%Y-%m-%d %H:%M} to {made.end:%Y-%m-%d %H:%M} UTC"
    people = [*made.users, *filter(None, (made.remove, made.add)), *(u for s in made.shifts for u in s.users)]
    said = (
        f"{schedule} {made.seq}: {made.kind} {', '.join(dict.fromkeys(people)) or 'nobody'}, {span}, by {by}"
    )
    reason = f": {made.reason}" if made.reason else ""
    link.core.execute(insert(journal).values(at=micros(at), kind=kind, detail=storable(said + reason)))


def _contact(row: sql.Row) -> ContactRow:
    person, channel, address, added_at, verified_at, code_hash, code_until, code_tries, disabled = row[:9]
    last_ok, last_fail, fails, test_at, tried, detail, waiting = row[9:]
    return ContactRow(
        person=person,
        channel=channel,
        address=address,
        added_at=instant(added_at),
        verified_at=instant(verified_at),
        code_hash=code_hash,
        code_until=instant(code_until),
        code_tries=code_tries,
        disabled=disabled,
        last_ok=instant(last_ok),
        last_fail=instant(last_fail),
        fails=fails,
        test_at=instant(test_at),
        tried=tried,
        detail=detail,
        waiting=waiting,
    )


# --- within the desk's commit --------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Learned:
    """What one commit tells of a method: together, since a bulk statement reaches each row once."""

    address: str
    ok: int | None = None
    """After which only later failures count."""
    fail: int | None = None
    fails: int = 0
    detail: str = ""

    def take(self, health: Health) -> None:
        at = micros(health.at)
        if health.address != self.address:
            self.address, self.ok, self.fail, self.fails, self.detail = health.address, None, None, 0, ""
        if health.ok:
            self.ok, self.fails = at, 0
        else:
            self.fail, self.detail = at, storable(health.detail)
            self.fails += health.permanent


def write_health(link: Link, told: Iterable[Health]) -> None:
    """Contacts as their channels say they are; methods that failed for good too often in a row are disabled (N10)."""
    learned: dict[tuple[str, str], _Learned] = {}
    for health in told:
        method = (health.person, health.channel)
        learned.setdefault(method, _Learned(health.address)).take(health)
    if not learned:
        return
    order = sorted(learned.items())
    worked = [(*method, new.address) for method, new in order if new.ok is not None]
    failed = [(*method, FAILS_TO_DISABLE, DISABLED) for method, new in order if new.fails]
    with link.together():
        news = link.bulk(sql.NEWS_OF_HEALTH, worked)
        link.bulk(sql.KEEP_HEALTH, [_health_row(method, new) for method, new in order])
        off = link.bulk(sql.DISABLE, failed)
    if news.rowcount + off.rowcount:
        link.run(sql.STAMP_LIVE)


def _health_row(method: tuple[str, str], new: _Learned) -> sql.Row:
    first = min(at for at in (new.ok, new.fail) if at is not None)
    return (*method, "", first, 0, "", new.ok, new.fail, new.fails, storable(new.address), new.detail, "")


def move_cursors(link: Link, commit: Commit) -> None:
    """Whose turn is next, where it stands as the decision saw it. Raises VersionConflict (E15)."""
    opened = sorted((key, following) for key, seen, following in commit.cursors if seen is None)
    moved = sorted((key, seen, following) for key, seen, following in commit.cursors if seen is not None)
    if not commit.cursors:
        return
    with link.together():
        first = link.bulk(sql.OPEN_CURSORS, opened)
        later = link.bulk(sql.MOVE_CURSORS, moved)
    if first.rowcount + later.rowcount != len(opened) + len(moved):
        raise VersionConflict([key for key, _, _ in commit.cursors])
