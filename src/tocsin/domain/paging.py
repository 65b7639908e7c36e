"""How one person is called: her ways in order, waiting for quiet hours, what becomes of a page.

Rules: docs/reference/oncall.md N1, N2 (ways), N4 (quiet hours), N7 (a way that fails or keeps silent pulls the next one
forward), N8 (no step waits for receipts), E7 (nobody is called on two pages), E18, L6 (shadows). Nothing here is a
timer: when a way is due follows from the page in the state. Not here: who is called when (`escalation`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from tocsin.domain import events as ev
from tocsin.domain import taking, targets
from tocsin.domain.context import Context, Draft, late_seconds
from tocsin.domain.due import Deadline, Fire
from tocsin.domain.events import Text
from tocsin.domain.incident import ASKED, Incident, Page, Paging, Stage
from tocsin.domain.people import Way
from tocsin.domain.quiet import quiet_until
from tocsin.domain.spans import span

RECEIPT_S = {"email": 10, "webhook": 10, "console": 10, "chat": 10, "ntfy": 30, "apprise": 30, "push": 30}
RECEIPT_S |= {"voice": 45, "sms": 60}
RECEIPT_DEFAULT_S = 10
"""So long a provider may take before the next way is used as well, by the channel's kind (N7)."""
TEST_FOR = timedelta(minutes=10)
"""A test page waits so long for its answer."""


# --- calling --------------------------------------------------------------------------------------------------------


def call(
    draft: Draft, people: Iterable[str], rung: int, run: int, at: datetime, *, reminder: bool = False
) -> None:
    """Call all of them before the pages of those without any method end: the others may still answer (E18).

    Somebody who is asked to help is called with high urgency, everybody else with that of the incident (E14).
    """
    urgent = rung == ASKED or targets.urgent(draft.state, draft.context)
    for handle in people:
        _end_open(draft, handle, at)
        _call_one(draft, handle, rung, run, at, urgent=urgent, reminder=reminder)
    for number in [p.number for p in draft.state.open_pages() if not p.channels and p.until is None]:
        _end_if_lost(draft, number, at)


def _end_open(draft: Draft, handle: str, at: datetime) -> None:
    """An open page to the same person is superseded, not doubled (E7)."""
    for page in draft.state.open_pages():
        if page.person == handle:
            draft.add(ev.PageEnded(at, page.number, handle, "superseded"))


def _call_one(
    draft: Draft, handle: str, rung: int, run: int, at: datetime, *, urgent: bool, reminder: bool
) -> None:
    number = draft.state.page_count + 1
    person = draft.context.directory.people.get(handle)
    quiet = None if urgent or person is None else quiet_until(person, at, reminder=reminder)
    if quiet is not None and targets.reachable(handle, draft.context):
        why = "quiet hours, low urgency"
        draft.add(ev.PageDeferred(at, number, handle, quiet, why, rung, run))
    else:
        _request(draft, number, handle, rung, run, at, urgent=urgent)


def _request(
    draft: Draft,
    number: int,
    handle: str,
    rung: int,
    run: int,
    at: datetime,
    *,
    urgent: bool,
    shadow: bool = False,
) -> None:
    directory = draft.context.directory
    if draft.state.kind == "test":  # to see what arrives where: everything at once, whatever her rules say
        ways = tuple(Way(method.channel) for method in directory.to_try(handle))
    else:
        ways = directory.ways(handle, urgent=urgent)
    waits = tuple(way.after_s for way in ways)
    draft.add(
        ev.PageRequested(
            at=at,
            page=number,
            person=handle,
            rung=rung,
            run=run,
            channels=tuple(way.channel for way in ways),
            urgent=urgent,
            waits=waits if any(waits) else (),
            shadow=shadow,
        )
    )


def end_unreachable(draft: Draft, page: Page, at: datetime) -> None:
    """There is no way to the person (any more): she is not waited for, which may be all that was missing (E9)."""
    draft.add(ev.PageEnded(at, page.number, page.person, "unreachable"))
    if draft.state.kind == "test":
        end_test(draft, at, page.person, "unreachable", None)
    else:
        taking.settle(draft, at)


# --- what falls due -------------------------------------------------------------------------------------------------


def deadlines(state: Incident, context: Context) -> list[Deadline]:
    """Of every open page: that its person is gone, the end of her quiet hours, her next way; the end of a test."""
    found = []
    for page in state.open_pages():
        key = f"{page.number:06}"
        dues = (
            ("gone", _gone(page, context)),
            ("quiet-end", page.until),
            ("way", _next_way_due(page, context)),
            ("asked", _again(page, state, context)),
        )
        found += [Deadline(due, kind, key) for kind, due in dues if due is not None]
    if state.kind == "test" and state.stage is Stage.TRIAGE:
        found.append(Deadline(state.opened_at + TEST_FOR, "test-end"))
    return found


def _gone(page: Page, context: Context) -> datetime | None:
    """Since when whoever is called is not there any more: nobody waits for her (E19)."""
    person = context.directory.people.get(page.person)
    if person is None:
        return page.at
    return max(page.at, person.inactive_from) if person.inactive_from is not None else None


def _untried(page: Page) -> list[tuple[str, int]]:
    if not page.waits or page.until is not None:
        return []
    used = {channel for channel, _ in page.tried}
    ways = zip(page.channels, page.waits, strict=False)
    return [(c, wait) for c, wait in ways if c not in used and c not in page.failed]


def _next_way_due(page: Page, context: Context) -> datetime | None:
    """When the next way is used: at its time, or when an earlier one has kept silent for too long."""
    untried = _untried(page)
    if not untried:
        return None
    silent = [due for _, due in _silences(page, context)]
    return min((page.at + timedelta(seconds=untried[0][1]), *silent))


def _silences(page: Page, context: Context) -> list[tuple[str, datetime]]:
    """Ways whose provider has not taken the page, and when that is too long."""
    kinds = {method.channel: method.kind for method in context.directory.methods_of(page.person)}
    return [
        (channel, since + timedelta(seconds=receipt_s(kinds.get(channel, ""))))
        for channel, since in page.tried
        if channel not in (*page.took, *page.failed, *page.late)
    ]


def receipt_s(kind: str) -> int:
    """Seconds that a channel of that kind may take before the next way is used as well (N7)."""
    return RECEIPT_S.get(kind, RECEIPT_DEFAULT_S)


def _again(page: Page, state: Incident, context: Context) -> datetime | None:
    """Whoever was asked to help and does not answer is called again."""
    if page.rung != ASKED or page.until is not None:
        return None
    return page.at + timedelta(seconds=targets.escalation_of(state, context).remind_every_s)


def _page_of(draft: Draft, deadline: Deadline) -> Page | None:
    page = draft.state.page(int(deadline.key))
    return page if page is not None and page.outcome is None else None


def _fire_gone(draft: Draft, deadline: Deadline, at: datetime) -> None:
    page = _page_of(draft, deadline)
    if page is not None:
        end_unreachable(draft, page, at)


def _fire_way(draft: Draft, deadline: Deadline, at: datetime) -> None:
    page = _page_of(draft, deadline)
    if page is None:
        return
    silent = [(due, channel) for channel, due in _silences(page, draft.context) if due <= deadline.due]
    if not silent:
        wait = _untried(page)[0][1]
        next_way(draft, page, at, f"her rule for {span(wait)} after the page")
        return
    channel = min(silent)[1]
    next_way(draft, page, at, f"{channel} has not taken it", instead=channel)


def next_way(draft: Draft, page: Page, at: datetime, why: str, instead: str = "") -> None:
    """Use the next way that still exists; where none is left and all have failed, she is out of reach."""
    live = {method.channel for method in draft.context.directory.methods_of(page.person)}
    for channel, _ in _untried(page):
        if channel in live:
            draft.add(ev.WayTried(at, page.number, page.person, channel, why, instead))
            return
        draft.add(ev.PageFailed(at, page.number, page.person, channel, "there is no such way any more"))
    _end_if_lost(draft, page.number, at)


def _end_if_lost(draft: Draft, number: int, at: datetime) -> None:
    """When all of her ways have failed, one that her rules do not name is tried before she counts as out of reach."""
    page = draft.state.page(number)
    if page is None or page.outcome is not None or set(page.channels) - set(page.failed):
        return
    spare = (m.channel for m in draft.context.directory.methods_of(page.person))
    channel = next((c for c in spare if c not in page.channels), None) if page.channels else None
    if channel is None:
        end_unreachable(draft, page, at)
    else:
        draft.add(ev.WayTried(at, number, page.person, channel, "no way of her rules reaches her"))


def _fire_quiet_end(draft: Draft, deadline: Deadline, at: datetime) -> None:
    """The quiet hours are over: the page goes to her, or to whoever is on call for it by now (N4)."""
    page = _page_of(draft, deadline)
    if page is None:
        return
    wanted = _wanted(draft, page, at)
    if page.person in wanted:
        urgent = targets.urgent(draft.state, draft.context)
        _request(draft, page.number, page.person, page.rung, page.run, at, urgent=urgent)
        if not targets.reachable(page.person, draft.context):
            _end_if_lost(draft, page.number, at)
        return
    draft.add(ev.PageEnded(at, page.number, page.person, "superseded"))
    called = {p.person for p in draft.state.open_pages()}
    others = tuple(p for p in wanted if p not in called)
    if others:
        why = f"the quiet hours of {page.person} are over, and somebody else is on call by now"
        late, run = late_seconds(deadline.due, at), draft.state.ladder.run
        draft.add(ev.RungFired(at, page.rung, run, others, deadline.due, late, why))
        call(draft, others, page.rung, run, at)


def _wanted(draft: Draft, page: Page, at: datetime) -> tuple[str, ...]:
    """Who is on call now for what she was on call for; she herself where that is nobody."""
    steps = targets.escalation_of(draft.state, draft.context).steps
    if not 0 <= page.rung < len(steps):
        return (page.person,)
    named = steps[page.rung].targets
    hers = [t for t in named if page.person in targets.resolve(t, draft.context, page.at)]
    found = targets.people_of(hers or named, draft.context, at)
    return tuple(p for p in found if targets.reachable(p, draft.context)) or (page.person,)


def _fire_asked(draft: Draft, deadline: Deadline, at: datetime) -> None:
    page = _page_of(draft, deadline)
    if page is not None:
        call(draft, (page.person,), ASKED, page.run, at)


def _fire_test_end(draft: Draft, _: Deadline, at: datetime) -> None:
    for page in draft.state.open_pages():
        draft.add(ev.PageEnded(at, page.number, page.person, "expired"))
    end_test(draft, at, _tested(draft.state), "ran out", None)


def _tested(state: Incident) -> str:
    return next((t.partition(":")[2] for t in state.audience), "")


def end_test(draft: Draft, at: datetime, person: str, outcome: str, by: str | None) -> None:
    """A test page is over: it is said how, and the stream ends."""
    draft.add(ev.Tested(at, person, outcome), ev.Dismissed(at, by, Text(f"test page: {outcome}")))


FIRE_GONE: dict[str, Fire] = {"gone": _fire_gone}
FIRE: dict[str, Fire] = {
    "quiet-end": _fire_quiet_end,
    "way": _fire_way,
    "asked": _fire_asked,
    "test-end": _fire_test_end,
}
"""In the order of docs/reference/oncall.md E17: who is gone is known before the steps, ways come after them."""


# --- what became of it outside --------------------------------------------------------------------------------------


def page_sent(
    state: Incident,
    context: Context,
    now: datetime,
    *,
    page: int,
    person: str,
    channel: str,
    receipt: str | None,
) -> list[ev.Event]:
    """A provider took the page: kept on the timeline even when the page has ended meanwhile. Now shadows are told."""
    draft = Draft(state, context).add(ev.PageSent(now, page, person, channel, receipt))
    sent = draft.state.page(page)
    if sent is not None and sent.outcome is None and sent.counts:
        _tell_shadows(draft, sent, now)
    return draft.events


def _tell_shadows(draft: Draft, page: Page, at: datetime) -> None:
    """Who learns is told after the first provider took the page of whoever answers for it, once per firing (L6)."""
    state, context = draft.state, draft.context
    steps = targets.escalation_of(state, context).steps
    if state.paging is not Paging.TRIGGERED or not 0 <= page.rung < len(steps):
        return
    fired = state.ladder.last_fired_at or page.at
    told = {p.person for p in state.pages if p.outcome is None or (p.shadow and p.at >= fired)}
    for handle in targets.shadows_of(steps[page.rung], context, at):
        person = context.directory.people[handle]
        quiet = not page.urgent and quiet_until(person, at) is not None
        if handle not in told and not quiet:
            number = draft.state.page_count + 1
            _request(draft, number, handle, page.rung, page.run, at, urgent=page.urgent, shadow=True)


def page_delayed(
    state: Incident, context: Context, now: datetime, *, page: int, person: str, channel: str, reason: str
) -> list[ev.Event]:
    """The first try did not work: said in the room at once, while the tries go on."""
    return Draft(state, context).add(ev.PageDelayed(now, page, person, channel, reason)).events


def page_failed(
    state: Incident, context: Context, now: datetime, *, page: int, person: str, channel: str, reason: str
) -> list[ev.Event]:
    """One way failed for good: the next one is used now (N7); when none is left the page ends as unreachable."""
    draft = Draft(state, context)
    draft.add(ev.PageFailed(now, page, person, channel, reason))
    current = draft.state.page(page)
    if current is None or current.outcome is not None:
        return draft.events
    if _untried(current) and channel not in current.late:
        next_way(draft, current, now, f"{channel} cannot reach her", instead=channel)
    else:
        _end_if_lost(draft, page, now)
    return draft.events
