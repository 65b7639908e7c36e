"""Effects on their way out: leased in the order of oncall.md S5, free again when a lease or its node ends (rule 7)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tocsin.store import sql
from tocsin.store.codec import EFFECT_KINDS, Unreadable, decode_effect
from tocsin.store.contract import Taken
from tocsin.store.instants import instant, micros
from tocsin.store.link import Database, Link


class Leases(Database):
    """The courier's side of a store."""

    def take_effects(
        self, lane: str, *, owner: str, now: datetime, lease_until: datetime, limit: int, live: datetime
    ) -> list[Taken]:
        """Lease at most `limit` effects of the lane; what was dropped while it was out is not taken again.

        Effects of a kind that only a newer program knows are left to it.
        """
        at = micros(now)
        with self.writing() as link:
            free_silent(link, owner, at, micros(live))
            found = link.rows(sql.TAKE_EFFECTS, lane, at, link.listed(EFFECT_KINDS), limit)
            taken = _readable(link, lane, [row for row in found if row[-1]], at)
            if unwanted := [row[0] for row in found if not row[-1]]:
                link.run(sql.DROP_UNWANTED, at, link.listed(unwanted))
            if taken:
                link.run(sql.LEASE, owner, micros(lease_until), link.listed([t.key for t in taken]))
            link.idle = not found
            if found:
                self.probe("before_take_commit")
        if taken:
            self.probe("after_take_commit")
        return taken

    def next_effect_due(self, lane: str) -> datetime | None:
        """When the earliest effect of the lane is free: one look into the index per class."""
        with self.reading() as link:
            found = link.rows(NEXT_EFFECT_DUE, *[lane] * sql.RANKS)
        return instant(found[0][0])


NEXT_EFFECT_DUE = sql.NEXT_EFFECT_DUE.replace(
    "{each}", " UNION ALL ".join(sql.NEXT_OF_RANK.replace("{rank}", str(rank)) for rank in range(sql.RANKS))
)


def _readable(link: Link, lane: str, rows: Iterable[sql.Row], at: int) -> list[Taken]:
    """What can be carried. A row that cannot be read fails by itself, visibly, instead of stopping its lane."""
    taken: list[Taken] = []
    for key, ref, kind, body, attempts, _ in rows:
        try:
            effect = decode_effect(kind, body)
        except Unreadable as error:
            link.run(sql.FAIL_UNREADABLE, at, f"cannot be read: {error}", key)
            continue
        taken.append(Taken(key, ref, lane, effect, attempts + 1))
    return taken


def free_silent(link: Link, owner: str, now: int, live: int) -> None:
    """The leases of nodes without a heartbeat since `live` are free at once; one's own never are."""
    silent = [boot for (boot,) in link.rows(sql.SILENT_NODES, live, owner)]
    if silent:
        link.run(sql.FREE_LEASES, now, link.listed(silent), now)
