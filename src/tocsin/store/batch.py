"""One write transaction of the desk: load, take, reserve, and the whole commit written in bulk (design rule 9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from tocsin.domain.incident import Incident
from tocsin.store import sql
from tocsin.store.contract import AlertRow, CheckRow, ClaimTaken, Commit, Recorded, Tail, VersionConflict
from tocsin.store.instants import instant, micros
from tocsin.store.link import Database, Link
from tocsin.store.oncall import move_cursors, write_health
from tocsin.store.rows import Rows, moved_rows, rows_of, settled_rows
from tocsin.store.streams import states_of

ANSWERS_KEPT = timedelta(hours=24)
MICROSECOND = timedelta(microseconds=1)


class OpenBatch:
    """The contract's `Batch` on either database."""

    def __init__(self, database: Database, link: Link) -> None:
        self._database = database
        self._link = link
        self._held: dict[str, tuple[str, ...]] = {}
        self.wrote = False

    def load(self, refs: Sequence[str]) -> dict[str, Incident]:
        """Current states, locked in sorted order; unknown references are missing."""
        if not refs:
            return {}
        link = self._link
        return self._seen(states_of(link, link.rows(sql.LOAD, link.listed(sorted(set(refs))))))

    def take_due(self, now: datetime, limit: int, without: Sequence[str]) -> dict[str, Incident]:
        """States of streams whose wake-up has come, earliest first."""
        link = self._link
        found = link.rows(sql.TAKE_DUE, micros(now), link.listed(without), limit)
        return self._seen(states_of(link, found))

    def _seen(self, states: dict[str, Incident]) -> dict[str, Incident]:
        for ref, state in states.items():
            self._held[ref] = state.claims
        return states

    def reserve(
        self, claims: Sequence[str], alerts: Sequence[tuple[str, str]], answers: Sequence[str]
    ) -> Tail:
        """Who holds these claims, what these alerts point at, which idempotency keys were answered."""
        link = self._link
        tail = Tail()
        if claims:
            tail.claims.update(link.rows(sql.CLAIMS, link.listed(claims)))
        for row in link.pairs(ALERT_PAIRS, alerts) if alerts else ():
            alert = alert_of(row)
            tail.alerts[alert.integration, alert.dedup_key] = alert
        if answers:
            tail.answers.update(
                (key, bytes(body)) for key, body in link.rows(sql.ANSWERS, link.listed(answers))
            )
        return tail

    def next_numbers(self, year: int, count: int) -> list[int]:
        """The next incident numbers of a year; a rolled-back transaction gives them again."""
        self.wrote = True
        last: int = self._link.rows(sql.NUMBERS, year, count)[0][0]
        return list(range(last - count + 1, last + 1))

    def alerts(self, ref: str) -> list[AlertRow]:
        """Alerts that point at the incident, as they were before this batch."""
        return [alert_of(row) for row in self._link.rows(ALERTS_OF, ref)]

    def opened_since(self, kind: str, since: datetime) -> list[str]:
        """Streams of that kind opened at `since` or later, oldest first, as it was before this batch."""
        return [ref for (ref,) in self._link.rows(sql.OPENED_SINCE, micros(since), kind)]

    def checks(self, limit: int = 20, *, gate: str | None = None) -> list[CheckRow]:
        """Checks of all incidents (of one gate), newest first, as they were before this batch."""
        return newest_checks(self._link, limit, gate)

    def cursors(self) -> dict[str, int]:
        """Round robin: whose turn is next, by key, as it was before this batch."""
        return dict(self._link.rows(sql.CURSORS))

    def write(self, commit: Commit) -> list[Recorded]:
        """Write everything in bulk: what is contested first, the feed's lock and the events last."""
        self._database.probe("before_write")
        self.wrote = True
        rows = rows_of(commit, self._database.epoch, self._held)
        self._write_contested(rows, commit)
        move_cursors(self._link, commit)
        write_health(self._link, commit.health)
        with self._link.together():
            self._write_effects(rows, commit)
            self._write_beside(rows, commit)
            self._link.bulk(sql.ADD_TEXTS, rows.texts)
            first = self._link.last_seq_locked() + 1 if rows.events else 0
        with self._link.together():
            self._write_events(rows, first)
            self._database.announce(self._link)
        for write in commit.streams:
            self._held[write.state.ref] = write.state.claims
        return [
            Recorded(seq, ref, version, commit.at, event)
            for seq, (ref, version, event) in enumerate(rows.events, first)
        ]

    def _write_contested(self, rows: Rows, commit: Commit) -> None:
        """What two may want at once: versions, claims, answers. Whoever comes second changes nothing at all."""
        link = self._link
        at = micros(commit.at)
        answers = sorted((key, body, at) for key, body in dict(commit.answers).items())
        with link.together():
            opened = link.bulk(sql.OPEN_STREAMS, rows.opened)
            changed = link.bulk(sql.CHANGE_STREAMS, rows.changed)
            link.bulk(sql.FREE_CLAIMS, rows.freed)
            claimed = link.bulk(sql.TAKE_CLAIMS, rows.claimed)
            if answers:
                link.run(sql.FORGET_ANSWERS, at - ANSWERS_KEPT // MICROSECOND)
            answered = link.bulk(sql.KEEP_ANSWERS, answers)
        if opened.rowcount + changed.rowcount != len(rows.opened) + len(rows.changed):
            raise VersionConflict(self._overtaken(rows))
        if claimed.rowcount != len(rows.claimed):
            self._check_claims(rows)
        if answered.rowcount != len(answers):
            # Another node answered the same key meanwhile: deciding again finds its answer.
            raise VersionConflict([key for key, _, _ in answers])

    def _overtaken(self, rows: Rows) -> list[str]:
        """The streams that do not stand where this commit put them."""
        link = self._link
        ours = {row[0]: row[-1] for row in (*rows.opened, *rows.changed)}
        stored = {ref: state for ref, _, state in link.rows(sql.LOAD, link.listed(sorted(ours)))}
        return [ref for ref in sorted(ours) if stored.get(ref) != ours[ref]] or sorted(ours)

    def _check_claims(self, rows: Rows) -> None:
        """A claim that was there already is fine if it is one's own."""
        link = self._link
        held: dict[str, str] = dict(link.rows(sql.CLAIMS, link.listed([key for key, _ in rows.claimed])))
        for key, ref in rows.claimed:
            if held.get(key) != ref:
                raise ClaimTaken(key)

    def _write_effects(self, rows: Rows, commit: Commit) -> None:
        """What waits is dropped before the new rows come, so that a Drop reaches older effects only."""
        link = self._link
        settled, again = settled_rows(commit.settlements, commit.at)
        link.bulk(sql.SETTLE, settled)
        link.bulk(sql.RETRY, again)
        link.bulk(sql.DROP_EFFECTS, rows.dropped)
        link.bulk(sql.DROP_WRITES, rows.replaced)
        link.bulk(sql.ADD_EFFECTS, rows.effects)

    def _write_beside(self, rows: Rows, commit: Commit) -> None:
        """A row that was handed in twice is written once, as it was last."""
        goals = moved_rows(commit.moved)
        self._link.bulk(sql.MOVE_ALERTS, list(goals.items()))
        alerts = {(a.integration, a.dedup_key): alert_row(a, goals.get(a.ref)) for a in commit.alerts}
        self._link.bulk(sql.KEEP_ALERTS, [alerts[identity] for identity in sorted(alerts)])
        self._link.bulk(sql.KEEP_CHECKS, rows.checks)
        self._link.bulk(sql.KEEP_ACTIONS, rows.actions)
        documents = {(d.ref, d.document): (d.ref, d.document, d.path, d.content) for d in commit.documents}
        self._link.bulk(sql.KEEP_DOCUMENTS, list(documents.values()))

    def _write_events(self, rows: Rows, first: int) -> None:
        """Events with their numbers, and the pages that name them."""
        link = self._link
        link.bulk(sql.ADD_EVENTS, [(seq, *row) for seq, row in enumerate(rows.event_rows, first)])
        link.bulk(sql.ADD_PAGES, [(*p[:2], first + p[2], *p[3:]) for p in rows.pages])
        changes = sorted((*page, c.sent, c.failed, c.outcome) for page, c in rows.page_changes.items())
        link.bulk(sql.CHANGE_PAGES, changes)


ALERT_COLUMNS = "integration, dedup_key, ref, firing, severity, count, first_at, last_at"
ALERT_PAIRS = f"SELECT {', '.join('a.' + name for name in ALERT_COLUMNS.split(', '))} FROM alert a "  # noqa: S608
"""Joined by each database with the pairs that are asked for."""
ALERTS_OF = f"SELECT {ALERT_COLUMNS} FROM alert WHERE ref = ?"  # noqa: S608


def alert_of(row: sql.Row) -> AlertRow:
    """An alert from its columns in table order."""
    integration, dedup_key, ref, firing, severity, count, first_at, last_at = row
    return AlertRow(
        integration, dedup_key, ref, bool(firing), severity, count, instant(first_at), instant(last_at)
    )


def alert_row(alert: AlertRow, ref: str | None = None) -> sql.Row:
    """An alert's columns in table order, pointing at `ref` instead where one is given."""
    return (
        *(alert.integration, alert.dedup_key, ref or alert.ref, int(alert.firing), alert.severity),
        *(alert.count, micros(alert.first_at), micros(alert.last_at)),
    )


def newest_checks(link: Link, limit: int, gate: str | None) -> list[CheckRow]:
    """Checks newest first, of one gate or of all."""
    if gate is None:
        return [check_of(row) for row in link.rows(sql.CHECKS, limit)]
    return [check_of(row) for row in link.rows(sql.CHECKS_OF_GATE, gate, limit)]


def check_of(row: sql.Row) -> CheckRow:
    """A check from its columns in table order."""
    ref, number, gate, by, at, passed, confirmed, valid_until, restore_point, used = row
    return CheckRow(
        *(ref, number, gate, by, instant(at), bool(passed), bool(confirmed)),
        *(instant(valid_until), instant(restore_point), bool(used)),
    )
