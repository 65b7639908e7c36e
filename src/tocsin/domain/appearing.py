"""Nobody could be called, and now somebody can: who appeared, and whose turn on a schedule begins next.

Rules: docs/reference/oncall.md E5. Asked while an escalation has come to a dead end, or nobody at all is being called:
then whoever comes is called at once and not only by the next reminder. Not here: what is done then (`escalation`).
"""

from __future__ import annotations

from datetime import datetime

from tocsin.domain import targets
from tocsin.domain.context import Context
from tocsin.domain.incident import Incident, Paging
from tocsin.domain.policy import Escalation

NOBODY_NEW: frozenset[str] = frozenset()


def stranded(state: Incident) -> bool:
    """Whether it calls people and none of those that its steps mean could be called."""
    calls = state.paging is Paging.TRIGGERED and state.stage.running and state.kind == "incident"
    return calls and (state.ladder.dead_end or not any(page.counts for page in state.open_pages()))


def appeared(
    state: Incident, context: Context, at: datetime, gained: frozenset[str] | None = NOBODY_NEW
) -> tuple[str, ...]:
    """Who can be called now and could not be before: not called yet in this run, or with a way that was not used.

    `gained`: of whom something has changed that no page can know (another address); None: that is not known of anybody.
    """
    wanted = targets.people_of(_named(targets.escalation_of(state, context)), context, at)
    if not state.open_pages() and not any(targets.reachable(p, context) for p in wanted):
        wanted = tuple(p for p in context.directory.people if targets.active(p, context, at))
    newest = {p.person: p for p in state.pages if p.run == state.ladder.run and p.counts}

    def new(person: str) -> bool:
        page = newest.get(person)
        if page is None or (gained is not None and person in gained):
            return True
        if gained is None:
            return page.outcome is not None
        ways = {method.channel for method in context.directory.methods_of(person)}
        return page.outcome is not None and bool(ways - set(page.channels))

    return tuple(p for p in wanted if targets.reachable(p, context) and new(p))


def next_turn(rungs: Escalation, context: Context, start: datetime, end: datetime) -> datetime | None:
    """When somebody else comes on call in (start, end) on a schedule that the escalation names."""
    found = (targets.next_change(target, context, start, end) for target in _named(rungs))
    return min((at for at in found if at is not None), default=None)


def _named(rungs: Escalation) -> tuple[str, ...]:
    """Every target, of the steps and the fallback."""
    return (*dict.fromkeys((*(t for rung in rungs.steps for t in rung.targets), *rungs.fallback)),)
