"""What `tocsin show` says of who is called: by which ways, who is next, until when it is silent or taken."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tocsin.cli.output import clock_time, day_time

Json = dict[str, Any]
Row = tuple[str, ...]


def calling_rows(incident: Json) -> Iterable[Row]:
    """One row for everybody who is called, then what else holds; nothing once it is over."""
    calling = incident.get("calling") or {}
    for page in calling.get("pages") or []:
        yield (page["person"], _since(page), _why(page, calling), ", ".join(map(_way, page["ways"])))
    for helper in calling.get("helpers") or []:
        if helper["st"] == "joined":
            yield (helper["person"], "joined", "was called in")
    if calling.get("awaited"):
        yield ("missing", ", ".join(calling["awaited"]), "everybody of the step has to acknowledge")
    if calling.get("snoozed"):
        snooze = calling["snoozed"]
        by = f"by {snooze['by']}: {snooze['reason']}" if snooze["by"] else ""
        yield ("snoozed", f"until {day_time(snooze['until'])}", by)
    if calling.get("holds_until"):
        yield (
            str(incident.get("acked_by")),
            f"has it until {day_time(calling['holds_until'])}",
            "then people are called anew; tocsin renew: still on it",
        )
    if calling.get("next"):
        coming = calling["next"]
        again = " again" if coming["again"] else ""
        yield ("next", f"{clock_time(coming['at'])} UTC", f"{', '.join(coming['people']) or 'nobody'}{again}")


def _since(page: Json) -> str:
    if page["deferred_until"]:
        return f"not before {day_time(page['deferred_until'])}"
    return f"since {clock_time(page['at'])}"


def _why(page: Json, calling: Json) -> str:
    if page["deferred_until"]:
        return "quiet hours"
    if page["asked"]:
        return "called in"
    if page["learns"]:
        return "learns along"
    return f"step {page['step']} of {calling['steps']}" if page["step"] else "beyond the steps"


def _way(way: Json) -> str:
    """`mail taken`, `sms at 13:09:00`, `desk failed`."""
    state = f"at {clock_time(way['at'])}" if way["st"] == "waits" else way["st"]
    return f"{way['channel']} {state}"
