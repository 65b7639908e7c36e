"""What the phone page says: how it stands for whoever was called, who else was, and what happens next and when.

A link opens no more than its page: of a restricted incident the codename, of one that is over its reference and stage.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from tocsin.domain import clocks, watch
from tocsin.domain.context import Context
from tocsin.domain.incident import ASKED, Incident, Page, Paging, Stage
from tocsin.web import show_incident as show
from tocsin.web.show_clocks import named
from tocsin.web.templating import countdown, near


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands for her. `st` chooses the look; `acks`, `passes`, `renews`: what she may press."""

    st: str
    say: str
    more: str = ""
    acks: str = ""
    acks_note: str = ""
    passes: str = ""
    renews: str = ""


@dataclass(frozen=True, slots=True)
class Next:
    """What happens if nobody answers, and when."""

    at: datetime
    say: str
    digits: str
    seconds: int
    width: float


@dataclass(frozen=True, slots=True)
class CallLine:
    """Somebody called, or to be called."""

    at: datetime
    st: str
    who: str
    what: str
    icon: str


TEST: Final = "test"
"""The kind of a page that only proves that it arrives."""
_ICONS: Final = {"met": "check", "late": "x", "now": "bell", "next": "phone", "off": "user"}


def standing_of(
    state: Incident, context: Context, page: Page | None, handle: str, now: datetime, *, passed: bool
) -> Standing:
    """How a running incident stands for whoever holds the link; `passed`: she passed a call of hers on."""
    if page is not None and learns(state, page, handle):
        return _along(state, context, page)
    if state.paging == Paging.ACKED:
        return _taken(state, context, handle, now)
    if state.paging == Paging.SNOOZED:
        until = state.watch.snoozed_until
        return Standing(
            "",
            f"Snoozed until {near(until, now)} UTC." if until else "Snoozed.",
            "Nobody is called before, unless it gets worse.",
            acks="Acknowledge",
            acks_note="you take it, and the snooze ends",
        )
    if page is None or page.outcome is None:
        return _asked(state, context, handle)
    if page.outcome == "superseded":
        return _superseded(state, context, handle, now, passed=passed)
    if page.outcome == "acked" and state.acked_at is None:
        return Standing(
            "met", "You acknowledged.", "The others of this step have to as well, and are still called."
        )
    said = {
        "acked": "Your acknowledgement does not stand any more: people are called again.",
        "unreachable": "tocsin could not reach you by other ways, and others are called.",
    }
    return _asked(state, context, handle, said.get(page.outcome, "People are called again."))


def learns(state: Incident, page: Page, handle: str) -> bool:
    """Whether whoever this page called only learns along: her answer by its link stops nothing, ever (L6)."""
    return page.shadow and all(p.shadow for p in state.open_pages() if p.person == handle)


def _along(state: Incident, context: Context, page: Page) -> Standing:
    taken = state.paging == Paging.ACKED
    others = f"{named(context, state.acked_by or 'somebody')} has it." if taken else "Others are called."
    if page.outcome is None:
        note = "says that you have seen it, and stops nothing"
        return Standing("", "You learn along.", others, acks="Acknowledge", acks_note=note)
    st, seen = ("met", " You have seen it.") if page.outcome == "acked" else ("", "")
    return Standing(st, f"You learn along.{seen}", f"{others} Nothing is asked of you.")


def _taken(state: Incident, context: Context, handle: str, now: datetime) -> Standing:
    at = near(state.acked_at, now) if state.acked_at else ""
    due = watch.comes_back(state, context)
    if state.acked_by == handle and due is not None and state.watch.reminded_at is not None:
        return Standing(
            "risk",
            f"Still on it? You have it until {near(due, now)} UTC.",
            f"You acknowledged at {at} UTC. Without a sign of life people are called anew.",
            renews="nobody is called; it holds for its whole time again",
        )
    if state.acked_by == handle:
        return Standing("met", "You have it.", f"You acknowledged at {at} UTC: nobody further is called.")
    who = named(context, state.acked_by or "somebody")
    if any(p.person == handle and p.rung == ASKED for p in state.open_pages()):
        return Standing(
            "",
            "You are asked to help.",
            f"{who} has it, since {at} UTC.",
            acks="Acknowledge",
            acks_note=f"says that you come; {who} keeps it",
        )
    return Standing(
        "met",
        f"{who} has it.",
        f"Acknowledged at {at} UTC: nobody further is called, and nothing is asked of you.",
        acks="Acknowledge too",
        acks_note=f"you come in as well; {who} was first",
    )


def _asked(state: Incident, context: Context, handle: str, say: str = "") -> Standing:
    if state.kind == TEST:
        return Standing("", say, acks="Acknowledge", acks_note="proves that pages reach you here")
    who = next((call.who for call in show.calls_of(state, context) if call.st == "next"), "")
    others = who if who and who != named(context, handle) else "the next in line"
    person = context.directory.get(handle)
    leads = state.holder("ic") is None and person is not None and person.may_be("ic")
    return Standing(
        "risk" if say else "",
        say,
        acks="Acknowledge",
        acks_note="stops all calls; you are named" + (", and you lead" if leads else ""),
        # Whoever was asked to help has nothing to pass on: nobody would be called instead.
        passes=f"calls {others} now"
        if any(p.person == handle and p.counts for p in state.open_pages())
        else "",
    )


def _superseded(state: Incident, context: Context, handle: str, now: datetime, *, passed: bool) -> Standing:
    again = next((page for page in reversed(state.open_pages()) if page.person == handle), None)
    if again is not None:
        return _asked(
            state, context, handle, f"You were called again at {near(again.at, now)} UTC. This answers both."
        )
    return Standing(
        "",
        "You passed it on." if passed else "Your call has ended.",
        "Others are called now.",
        acks="Acknowledge",
        acks_note="you take it after all",
    )


def over_of(state: Incident, now: datetime) -> Standing | None:
    """How it ended, as far as a link may still say; None while it runs."""
    if state.stage.running:
        return None
    if state.kind == TEST:
        return Standing("met", "The test has ended.", "Nothing is wrong, and nothing is asked of you.")
    match state.stage:
        case Stage.MERGED:
            return Standing(
                "", f"It goes on in {state.merged_into}.", "Answer the page that you got for that one."
            )
        case Stage.DISMISSED:
            say, at = "It was dismissed", state.dismissed_at
        case Stage.RECORDED:
            say, at = "It is only recorded", None
        case _:
            say, at = "It is resolved", state.resolved_at
    when = f" at {near(at, now)} UTC" if at else ""
    return Standing("met", f"{say}{when}.", "Nobody is called, and nothing is asked of you.")


def next_of(state: Incident, context: Context, handle: str, now: datetime) -> Next | None:
    """What tocsin does if nobody answers: read where the escalation stands."""
    call = next((call for call in show.calls_of(state, context) if call.st == "next"), None)
    if call is None or state.paging != Paging.TRIGGERED:
        return None
    since = state.ladder.last_fired_at or state.first_page_at or state.opened_at
    whole = max(1, int((call.at - since).total_seconds()))
    left = int((call.at - now).total_seconds())
    who = "You are" if call.who == named(context, handle) else f"{call.who} {_verb(call.who)}"
    again = " again" if " again" in call.what or who == "You are" else ""
    width = round(max(0.0, min(100.0, 100.0 * left / whole)), 1)
    return Next(call.at, f"{who} called{again} in", countdown(max(0, left)), whole, width)


def _verb(who: str) -> str:
    return "are" if ", " in who else "is"


def lines_of(state: Incident, context: Context, handle: str) -> list[CallLine]:
    """Who was called and what became of it, and who is next."""
    mine = named(context, handle)
    return [
        CallLine(
            call.at, call.st, "You" if call.who == mine else call.who, call.what, _ICONS.get(call.st, "dot")
        )
        for call in show.calls_of(state, context)
    ]


def facts_of(state: Incident, context: Context, now: datetime) -> list[tuple[str, str]]:
    """What else helps to decide, as pairs of name and words."""
    clock = state.clock("ack")
    due = clocks.limit_of(clock, context) if clock and clock.open else None
    leader = state.holder("ic")
    found = [
        ("Incident", state.ref),
        ("Stage", _stage(state, context, now)),
        ("Service", state.service or ""),
        ("Answer by", f"{near(due, now)} UTC" if due else ""),
        ("Leads", named(context, leader) if leader else "nobody yet"),
        ("Alerts", f"{state.firing} firing" if state.firing else ""),
    ]
    return [(name, words) for name, words in found if words]


def _stage(state: Incident, context: Context, now: datetime) -> str:
    if state.declared_at and state.declared_by:
        return f"{state.stage}, by {named(context, state.declared_by)} at {near(state.declared_at, now)} UTC"
    return "triage: nobody has looked at it yet" if state.stage == Stage.TRIAGE else str(state.stage)


def her_time(at: datetime, zone: str, now: datetime) -> str:
    """`14:03 Stockholm`, with its day when that is not today there; empty for somebody who lives by UTC."""
    if zone in ("UTC", ""):
        return ""
    local, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).date()
    day = "" if local.date() == today else f"{local:%a} "
    return f"{day}{local:%H:%M} {zone.rsplit('/', 1)[-1].replace('_', ' ')}"
