"""Changing who is on call for a while, taking the pager: previewed, and gaps confirmed before they are made."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from tocsin.cli.asked import handle, present
from tocsin.cli.client import Client, connected
from tocsin.cli.failure import Failure, misused
from tocsin.cli.options import AsJson, AsPerson, AtServer
from tocsin.cli.output import STDERR, STDOUT, columns, day_time, emit_json, plain
from tocsin.domain.readings import after_jump, instants_of, with_offset
from tocsin.domain.spans import span

app = typer.Typer(rich_markup_mode=None)
override = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Change who is on call for a while; take the pager."
)
app.add_typer(override, name="override")
Json = dict[str, Any]
CONFLICT, UNCONFIRMED = 409, "confirm"

Schedule = Annotated[str, typer.Argument(metavar="SCHEDULE", help="As `tocsin oncall` shows it.")]
Reason = Annotated[str | None, typer.Option("--reason", "--because", metavar="TEXT", help="Why.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Leave the gaps that it makes; ask nothing.")]
Zone = Annotated[
    str | None,
    typer.Option(
        "--tz", metavar="ZONE", help="Whose clock times without an offset are; default: the schedule's."
    ),
]


Begin = Annotated[str, typer.Option("--from", metavar="TIME", help="Begin; `now` is one.")]
End = Annotated[str, typer.Option("--until", metavar="TIME", help="End.")]
Only = Annotated[
    str | None, typer.Option("--set", metavar="P,Q", help="Only these people; `nobody` for a gap.")
]
Replace = Annotated[
    str | None, typer.Option("--replace", metavar="HANDLE", help="Whose place is taken; with --by.")
]
By = Annotated[str | None, typer.Option("--by", metavar="HANDLE", help="Who takes it.")]
More = Annotated[str | None, typer.Option("--add", metavar="HANDLE", help="This person as well.")]
Less = Annotated[str | None, typer.Option("--remove", metavar="HANDLE", help="Without this person.")]
OfLayer = Annotated[str | None, typer.Option("--layer", metavar="NAME", help="Of this layer only.")]
Dry = Annotated[bool, typer.Option("--preview", help="Only show what would change.")]


@override.command()
def add(
    schedule: Schedule,
    start: Begin,
    until: End,
    only: Only = None,
    replace: Replace = None,
    by: By = None,
    more: More = None,
    less: Less = None,
    layer: OfLayer = None,
    reason: Reason = None,
    tz: Zone = None,
    dry: Dry = False,
    yes: Yes = False,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Change who is on call from --from until --until; shows what changes in the next eight weeks.

    A time without an offset is what the clock of the schedule shows.

    Examples:
      tocsin override add platform --replace mei --by jonas --from 2026-12-24T09:00 --until 2026-12-27T09:00
      tocsin override add platform --set priya --from now --until 18:00 --reason "mei is ill"
    """
    body = {**_change(only, replace, by, more, less), "layer": layer, "reason": reason}
    with connected(server, person) as client:
        zone = _zone(client, schedule, tz)
        body |= {"start": _when(start, "--from", zone), "end": _when(until, "--until", zone)}
        _make(client, f"schedules/{_path(schedule)}/overrides", body, dry=dry, yes=yes, as_json=as_json)


@override.command()
def take(
    schedule: Schedule,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="Until when; default: the running turn's end."),
    ] = None,
    reason: Reason = None,
    tz: Zone = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Take the pager now: you alone are on call.

    Examples:
      tocsin override take platform
      tocsin override take platform --until 18:00 --as mei
    """
    with connected(server, person) as client:
        end = _when(until, "--until", _zone(client, schedule, tz)) if until is not None else None
        body = {"until": end, "reason": reason}
        _make(client, f"schedules/{_path(schedule)}/take", body, dry=False, yes=False, as_json=as_json)


@override.command("list")
def list_overrides(
    schedule: Schedule,
    everything: Annotated[bool, typer.Option("--all", help="Those that are over as well.")] = False,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """List the overrides of a schedule, in the order in which they count.

    Examples:
      tocsin override list platform
    """
    with connected(server, person) as client:
        found = client.get(f"schedules/{_path(schedule)}/overrides", all=everything or None)
    if as_json:
        emit_json(found)
        return
    for line in columns([_row(one) for one in found["overrides"]]):
        STDOUT.line(line)
    if not found["overrides"]:
        STDOUT.line("no overrides")


@override.command()
def remove(
    schedule: Schedule,
    number: Annotated[int, typer.Argument(metavar="N", help="As `tocsin override list` shows it.")],
    yes: Yes = False,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """End an override: one that has begun ends now. What was stays as it was.

    Examples:
      tocsin override remove platform 1000001
    """
    path = f"schedules/{_path(schedule)}/overrides/{number}"
    with connected(server, person) as client:
        answer = _confirmed(lambda sure: client.delete(path, confirm=True if sure else None), yes=yes)
    if as_json:
        emit_json(answer)
        return
    STDOUT.line(f"override {number} of {plain(schedule)} is over")
    _say_preview(answer["preview"])


def _path(schedule: str) -> str:
    return quote(schedule, safe="")


def _change(
    only: str | None, replace: str | None, by: str | None, more: str | None, less: str | None
) -> Json:
    """Exactly one of the kinds. Raises Failure."""
    kinds = {"--set": only, "--replace": replace, "--add": more, "--remove": less}
    given = [name for name, value in kinds.items() if value is not None]
    if len(given) != 1:
        raise misused(
            f"{' and '.join(given) or 'what is to change'} {'do not go together' if given else 'is missing'}",
            "one of --set P,Q, --replace A --by B, --add P, --remove P",
        )
    if (by is None) != (replace is None):
        raise misused("--replace and --by belong together", "--replace A --by B: B takes A's place")
    if only is not None:
        people = [] if only == "nobody" else [p for word in only.split(",") if (p := handle(word.strip()))]
        return {"kind": "set", "users": people}
    if replace is not None:
        return {"kind": "replace", "remove": handle(replace), "add": handle(by)}
    return (
        {"kind": "add", "add": handle(more)}
        if more is not None
        else {"kind": "remove", "remove": handle(less)}
    )


def _zone(client: Client, schedule: str, tz: str | None) -> str:
    """The zone of times without an offset. Raises Failure for an unknown one; an unknown schedule is the server's."""
    if tz is None:
        rows = client.get("schedules")["schedules"]
        return next((str(row["tz"]) for row in rows if row["name"] == schedule), "UTC")
    try:
        return ZoneInfo(tz).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise misused(f"--tz: there is no time zone {tz!r}", "a name such as Europe/Stockholm") from None


def _when(text: str, option: str, zone: str) -> str:
    """An instant as the API takes it: `now`, ISO with its offset, or what the zone's clock shows. Raises Failure."""
    word = text.strip()
    if word == "now":
        return present().isoformat()
    today = f"{present().astimezone(_known_here(zone, option)):%Y-%m-%d}T"
    clock = len(word) == 5 and word[2] == ":"
    try:
        at = datetime.fromisoformat(f"{today}{word}" if clock else word)
    except ValueError:
        at = None
    if at is None or (not clock and ":" not in word):
        raise misused(
            f"{option}: {text!r} is no time", f"write {today}09:00 ({zone}), {today}09:00Z, 09:00 or now"
        )
    return at.isoformat() if at.tzinfo else _which(at, option, zone)


def _known_here(zone: str, option: str) -> ZoneInfo:
    """The zone of the schedule, which the server knows. Raises Failure where this machine does not."""
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise misused(
            f"{option}: this machine does not know the time zone {zone!r} of the schedule",
            "install its time zones (tzdata), or say another with --tz",
        ) from None


def _which(at: datetime, option: str, zone: str) -> str:
    """The one instant that was meant; asks which pass where a clock shows it twice (oncall.md T9)."""
    found = instants_of(at, zone)
    if not found:
        jump = with_offset(after_jump(at, zone), zone)
        raise misused(f"{option}: {at:%Y-%m-%dT%H:%M} does not exist in {zone} (T9)", f"write {jump}")
    if len(found) == 1:
        return found[0].isoformat()
    both = [with_offset(one, zone) for one in found]
    said = f"{option}: {at:%Y-%m-%dT%H:%M} happens twice in {zone} (T9)"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise misused(said, f"write {both[0]} or {both[1]}")
    STDERR.line(f"{said}: 1 is {both[0]}, 2 is {both[1]}")
    chosen: int = typer.prompt("Which", type=int, err=True)
    if chosen not in (1, 2):
        raise misused(f"{chosen} is neither 1 nor 2")
    return found[chosen - 1].isoformat()


def _make(client: Client, path: str, body: Json, *, dry: bool, yes: bool, as_json: bool) -> None:
    """Preview, then do it as it was seen: what changed in between is refused (V3)."""
    seen = client.post(path, {**body, "preview": True})
    if dry:
        answer = seen
    else:
        sent = {**body, "expect": seen["version"]}
        answer = _confirmed(lambda sure: client.post(path, {**sent, "confirm": sure}), yes=yes)
    if answer["floored"]:
        STDERR.line("tocsin: schedules are whole minutes: the seconds were left out")
    for warning in answer["warnings"]:
        STDERR.line(f"{STDERR.style('warning:', 'yellow')} {plain(warning)}")
    if as_json:
        emit_json(answer)
        return
    made = answer["override"]
    if made is not None:
        STDOUT.line(f"override {made['seq']}: {_words(made)}, {_span_of(made)}")
    _say_preview(answer["preview"])


def _confirmed(ask: Callable[[bool], Json], *, yes: bool) -> Json:
    """Do it; where it makes gaps, name them and ask, or with --yes leave them. Raises Failure."""
    try:
        return ask(yes)
    except Failure as failed:
        errors = failed.problem.get("errors") or [{}]
        gaps = failed.problem.get("status") == CONFLICT and errors[0].get("field") == UNCONFIRMED
        if not gaps:
            raise
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise Failure(failed.message, failed.code, "--yes leaves the gap", failed.problem) from None
        STDERR.line(plain(failed.message))
        if not typer.confirm("Leave it so?", err=True):
            raise Failure("nothing was done") from None
    return ask(True)


def _row(one: Json) -> tuple[str, ...]:
    by = f"by {one['author']}" if one["author"] else one["where"]
    return (str(one["seq"]), one["state"], _words(one), _span_of(one), by, one["reason"])


def _words(one: Json) -> str:
    scope = f" in layer {one['layer']}" if one["layer"] else ""
    match one["kind"]:
        case "set":
            said = f"only {', '.join(one['users'])}" if one["users"] else "nobody"
        case "replace" | "swap":
            said = f"{one['add'] or 'nobody yet'} for {one['remove']}"
        case "add":
            said = f"{one['add']} as well"
        case "remove":
            said = f"without {one['remove']}"
        case _:
            said = str(one["kind"])
    return f"{said}{scope}"


def _span_of(one: Json) -> str:
    ends = min(filter(None, (one["end"], one["revoked_at"])))
    return f"{day_time(one['start'])} to {day_time(ends)}"


def _say_preview(preview: Json) -> None:
    """Who is on call instead of whom, who gains and loses time, which gaps are new."""
    rows = [
        (
            day_time(c["start"]),
            day_time(c["end"]),
            ", ".join(c["before"]) or "nobody",
            "->",
            ", ".join(c["after"]) or "NOBODY",
        )
        for c in preview["changes"]
    ]
    for line in columns(rows):
        STDOUT.line(line)
    for share in preview["people"]:
        more, less = share["gained_s"], share["lost_s"]
        parts = [f"+{_hours(more)}"] * bool(more) + [f"-{_hours(less)}"] * bool(less)
        STDOUT.line(f"{plain(share['person'])} {' '.join(parts)}")
    for gap in preview["gaps"]:
        STDERR.line(f"tocsin: GAP: nobody is on call from {day_time(gap['start'])} to {day_time(gap['end'])}")


def _hours(seconds: int) -> str:
    return span(seconds).removesuffix("00s")
