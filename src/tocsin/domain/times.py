"""The seven timestamps of an incident, and how they are corrected: with a reason, the old value stays to be seen.

Here: what may be corrected to what. What a corrected time does to the verdicts stands in `verdicts`.
"""

from __future__ import annotations

from datetime import datetime

from tocsin.domain import events as ev
from tocsin.domain import verdicts
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.events import Text
from tocsin.domain.fold import evolve
from tocsin.domain.incident import TIMES, Incident, Stage

ORDER = (
    *(("detected", later) for later in ("declared", "acked", "mitigated", "resolved")),
    *((earlier, "resolved") for earlier in ("declared", "acked", "mitigated")),
    *(("impact_start", "impact_end"), ("impact_start", "resolved"), ("impact_end", "resolved")),
)
"""What cannot lie after what."""
_GIVEN = frozenset({"impact_start", "detected", "impact_end"})
"""Times that people give; the others are those of a decision, and there is nothing to correct before it."""
_FIXED = {
    Stage.DISMISSED: "it was dismissed: reopen it first",
    Stage.RECORDED: "it has no clocks: keep a note with the time instead",
}


def correct(
    state: Incident,
    context: Context,
    now: datetime,
    *,
    by: str,
    name: str,
    at: datetime,
    reason: str,
    was: datetime | None = None,
) -> list[ev.Event]:
    """Set or correct one of the seven timestamps; every clock is judged anew by it.

    `was` is the value that `by` saw: when somebody else corrected it meanwhile, the two do not overwrite each other.
    Raises Refused naming what is in the way: unknown name, no reason, the future, a fact that has not happened,
    an order that would be reversed, an answer before the call.
    """
    old = _present(state, name, was)
    if not reason.strip():
        raise Refused("correcting a time needs a reason", "say how you know, with --because")
    if at == old:
        raise Refused(f"{name} already is {said(at)}", "there is nothing to correct")
    if at > now:
        raise Refused(f"{name} lies in the future", "give a time that has passed")
    event = ev.TimeCorrected(now, by, name, old, at, Text(reason))
    refuse_order(state, evolve(state, event))
    if name == "acked":
        _refuse_before_call(state, at)
    draft = Draft(state, context).add(event)
    verdicts.judge_anew(draft, now)
    return draft.events


def _present(state: Incident, name: str, was: datetime | None) -> datetime | None:
    """The time as it stands. Raises Refused when there is none to correct, or no longer the one that was seen."""
    if name not in TIMES:
        raise Refused(f"there is no time {name!r}", f"one of {', '.join(TIMES)}")
    if state.stage == Stage.MERGED:
        parent = state.merged_into
        raise Refused(f"{state.ref} was merged into {parent}", f"correct the times of {parent}")
    if state.stage in _FIXED:
        raise Refused(f"{state.ref} is {state.stage}: its times stand", _FIXED[state.stage])
    old = state.time(name)
    if old is None and name not in _GIVEN:
        raise Refused(
            f"{state.ref} is {state.stage}: it has not been {name} yet",
            f"it can be corrected once it is {name}",
        )
    if was is not None and was != old:
        raise Refused(
            f"{name} is {said(old)} by now: somebody corrected it meanwhile",
            "look at it, then correct it again",
        )
    return old


def _refuse_before_call(state: Incident, at: datetime) -> None:
    """Raises Refused when a page would have been answered before it was sent."""
    answered = next((c for c in reversed(state.clocks) if c.name == "ack" and c.fact == "acked"), None)
    # People type whole seconds, pages are sent within one.
    if answered is not None and at < answered.start.replace(microsecond=0):
        raise Refused(
            f"acked ({said(at)}) would lie before the first page ({said(answered.start)})",
            f"give a time from {said(answered.start)} on; what was answered before a page belongs into a note",
        )


def refuse_order(before: Incident, after: Incident) -> None:
    """Raises Refused when a time that changed from `before` to `after` would reverse what happened."""
    for first, second in ORDER:
        earlier, later = after.time(first), after.time(second)
        moved = (earlier, later) != (before.time(first), before.time(second))
        if moved and earlier is not None and later is not None and earlier > later:
            raise Refused(
                f"{first} ({said(earlier)}) would lie after {second} ({said(later)})",
                f"correct the other one first, if it is wrong: {first} comes before {second}",
            )


def said(at: datetime | None) -> str:
    """A timestamp in words, or that nobody has set it."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "not known"
