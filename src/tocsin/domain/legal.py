"""Legal deadlines: from when somebody became aware to the recorded decision. They run on after resolve and close.

tocsin counts the time and asks for the decision; it gives no legal advice. A deadline ends by a decision alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.due import Deadline, Fire
from tocsin.domain.events import Text
from tocsin.domain.incident import Incident, Stage
from tocsin.domain.spans import full, span
from tocsin.domain.work import Legal

DEFAULT_LIMIT_S = 72 * 3600
MOST_S = {"gdpr": DEFAULT_LIMIT_S}
"""What a law gives at most; a contract may give less. Any other regime: a year."""
YEAR_S = 366 * 24 * 3600
BACK_DATING_LIMIT = timedelta(days=30)
AGAIN_EVERY = timedelta(days=1)
DECISIONS = ("notified", "not notifiable")
REGIME_LIMIT = 40
DEADLINES_LIMIT = 20
CONTACT_WORDS = ("data-protection", "privacy", "dpo")
"""A role of the roster whose key holds one of these is that of the data protection contact."""


def running(state: Incident) -> tuple[Legal, ...]:
    """The deadlines without a decision, soonest first."""
    return tuple(sorted((x for x in state.duties.legal if x.decision is None), key=lambda x: x.due))


def contact(context: Context) -> str | None:
    """The data protection contact of the roster."""
    for person in context.directory.people.values():
        if person.in_roster and any(word in role for role in person.can_act_as for word in CONTACT_WORDS):
            return person.handle
    return None


def start(
    state: Incident,
    context: Context,
    now: datetime,
    *,
    by: str,
    regime: str,
    aware: datetime,
    limit_s: int | None = None,
    owner: str | None = None,
    reason: str = "",
) -> list[ev.Event]:
    """A deadline runs from `aware`: 72 h, or what a contract gives. Its owner is told at once.

    The owner is the data protection contact unless somebody is named, else the IC. Raises Refused naming what is in
    the way: unknown owner, a limit longer than the law's, a time that cannot be, one that runs already.
    """
    if state.stage in {Stage.MERGED, Stage.DISMISSED}:
        instead = f"start it in {state.merged_into}" if state.merged_into else "reopen it first"
        raise Refused(f"{state.ref} is {state.stage}: no deadline starts here", instead)
    name = _regime(regime)
    known = state.duties.running(name)
    if known is not None:
        raise Refused(f"the {name} deadline runs already, until {full(known.due)}", "decide on it")
    if len(state.duties.legal) >= DEADLINES_LIMIT:
        raise Refused(f"{state.ref} has had {DEADLINES_LIMIT} legal deadlines", "keep a note instead")
    seconds = _limit(name, limit_s)
    _refuse_aware(state, now, aware)
    due = aware + timedelta(seconds=seconds)
    person = _owner(state, context, owner)
    started = ev.LegalStarted(now, by, name, aware, seconds, due, person, Text(reason.strip()))
    return Draft(state, context).add(started).events


def _regime(text: str) -> str:
    name = "-".join(text.casefold().split())
    if any(name.startswith(word) for word in ("gdpr", "dsgvo")):
        return "gdpr"  # with its article or without: one law, one deadline
    if not name or len(name) > REGIME_LIMIT:
        raise Refused("say which deadline it is, in a word", "gdpr, or the name of a contract")
    return name


def _limit(regime: str, limit_s: int | None) -> int:
    seconds = DEFAULT_LIMIT_S if limit_s is None else limit_s
    most = MOST_S.get(regime, YEAR_S)
    if seconds <= 0:
        raise Refused("a deadline has to leave some time", f"at most {span(most)}")
    if seconds > most:
        raise Refused(f"{regime} gives {span(most)}, not {span(seconds)}", "a contract can only shorten it")
    return seconds


def _refuse_aware(state: Incident, now: datetime, aware: datetime) -> None:
    if aware > now:
        raise Refused("aware lies in the future", "give the time at which it was known")
    earliest = state.detected_at - BACK_DATING_LIMIT
    if aware < earliest:
        raise Refused(
            f"aware lies more than {BACK_DATING_LIMIT.days} days before it was detected",
            f"look at the date, or correct detected first; the earliest now is {full(earliest)}",
        )


def _owner(state: Incident, context: Context, owner: str | None) -> str:
    if owner is not None:
        person = context.directory.get(owner)
        if person is None:
            raise Refused(f"nobody is known as {owner!r}", "see tocsin oncall")
        return person.handle
    found = contact(context) or state.holder("ic")
    if found is None:
        raise Refused("nobody is known as data protection contact, and nobody is IC", "name the owner")
    return found


def decide(
    state: Incident, context: Context, now: datetime, *, by: str, regime: str, decision: str, reason: str
) -> list[ev.Event]:
    """The decision that ends it, also when nobody has to be told, with its reason. Raises Refused otherwise."""
    name = _regime(regime)
    if state.duties.running(name) is None:
        known = ", ".join(x.regime for x in running(state))
        raise Refused(f"no {name} deadline runs in {state.ref}", f"running: {known}" if known else "")
    word = " ".join(decision.casefold().split())
    if word not in DECISIONS:
        raise Refused(f"{decision!r} is no decision on it", f"one of: {', '.join(DECISIONS)}")
    if not reason.strip():
        raise Refused("the decision needs a reason", "it is kept even when nobody has to be told")
    return Draft(state, context).add(ev.LegalDecided(now, by, name, word, Text(reason.strip()))).events


# --- reminders ------------------------------------------------------------------------------------------------------


def deadlines(state: Incident, _: Context) -> list[Deadline]:
    """A day before (or at half of a shorter time), at the end, then daily until it is decided; closed or not."""
    found = []
    for legal in running(state):
        if legal.remind_at is not None and not legal.reminded:
            found.append(Deadline(legal.remind_at, "legal-reminder", legal.regime))
        found.append(Deadline(legal.due + AGAIN_EVERY * legal.overdue, "legal-overdue", legal.regime))
    return found


def _remind(draft: Draft, deadline: Deadline, at: datetime) -> None:
    """Once it has passed nobody need be told that it comes near."""
    legal = draft.state.duties.running(deadline.key)
    if legal is None:
        return
    if at >= legal.due:
        _overdue(draft, Deadline(legal.due, "legal-overdue", legal.regime), at)
    else:
        draft.add(ev.LegalReminded(at, legal.regime, legal.due, (legal.owner,)))


def _overdue(draft: Draft, deadline: Deadline, at: datetime) -> None:
    """The owner and the IC are told; days that passed unseen are counted, not repeated."""
    state = draft.state
    legal = state.duties.running(deadline.key)
    if legal is None:
        return
    people = tuple(dict.fromkeys(filter(None, (legal.owner, state.holder("ic")))))
    times = max(legal.overdue, (at - legal.due) // AGAIN_EVERY) + 1
    draft.add(ev.LegalOverdue(at, legal.regime, legal.due, people, times))


FIRE: dict[str, Fire] = {"legal-reminder": _remind, "legal-overdue": _overdue}
