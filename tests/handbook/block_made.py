"""Handbooks with a policy block, as text; and policies made at random of everything that a block can say."""

from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from tocsin.domain.people import Quiet, Rule
from tocsin.domain.policy import Escalation, MonitoredService, PersonRules, Policy, Route, Rung
from tocsin.domain.schedules import (
    Adjustment,
    Change,
    Holidays,
    Layer,
    Restriction,
    Rotation,
    Schedule,
    Shift,
)
from tocsin.domain.source import BUILT_IN, Source
from tocsin.handbook.blocks import with_blocks
from tocsin.handbook.document import parse_document
from tocsin.handbook.findings import Notebook
from tocsin.handbook.read import read_handbook

PROSE = """\
# Incident response

## Severity Matrix

- **SEV1:** nobody can sign in. Target: ack < 5m.
- **SEV2:** sign-in is slow. Target: ack < 15m.

## Roles

- **Incident Commander (IC):** leads.
- **Scribe:** writes.

## Roster

| Name | Can act as | Slack | Email |
|------|------------|-------|-------|
| Ada Berg | IC | @ada | ada@relay.example |
| Bo Lind | Ops | @bo | bo@relay.example |
| Cem Kaya | IC, Ops | @cem | cem@relay.example |

## Policy

"""
FIRST = PROSE.count("\n") + 2
"""The line of the first key of a block below the prose."""
HANDLES = ("ada", "bo", "cem")
ROLES = ("ic", "ops")
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def fenced(block, prose=PROSE):
    return f"{prose}```toml tocsin\n{block.rstrip()}\n```\n"


def read_block(folder, block, now=None, prose=PROSE):
    """The reading of a handbook that has this block."""
    path = folder / "incident_response.md"
    path.write_text(fenced(block, prose), "utf-8")
    return read_handbook(folder, path, now)


def bare_policy(folder):
    """The prose without any block."""
    path = folder / "incident_response.md"
    path.write_text(PROSE, "utf-8")
    return read_handbook(folder, path).policy


def blocks_of(policy, *texts):
    """A policy with what these blocks define, and the findings; nothing is written anywhere."""
    notes = Notebook()
    documents = [parse_document(f"doc{n}.md", fenced(text)) for n, text in enumerate(texts)]
    return with_blocks(policy, documents, None, notes), notes.findings()


def placeless(value):
    """The value without the places where it was read."""
    if isinstance(value, tuple):
        return tuple(placeless(part) for part in value)
    if not is_dataclass(value):
        return value
    changed = {
        f.name: BUILT_IN if isinstance(getattr(value, f.name), Source) else placeless(getattr(value, f.name))
        for f in fields(value)
    }
    return replace(value, **changed)


def said(policy):
    """Everything that blocks say, without places."""
    return placeless((policy.schedules, policy.people, policy.escalations, policy.services, policy.routes))


# --- at random -------------------------------------------------------------------------------------------------------

slugs = st.from_regex(r"[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,4})?", fullmatch=True).filter(
    lambda name: name != "handbook"
)
texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), min_size=1, max_size=12
)
words = texts.filter(lambda text: text.strip() != "")
zones = st.sampled_from(
    ("UTC", "Europe/Stockholm", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")
)
instants = st.integers(0, 60 * 24 * 700).map(lambda minutes: EPOCH + timedelta(minutes=minutes))
readings = instants.map(lambda at: f"{at:%Y-%m-%dT%H:%M}")
clocks = st.integers(0, 1439).map(lambda minutes: f"{minutes // 60:02}:{minutes % 60:02}")
ends = st.one_of(clocks, st.just("24:00"))
days = st.sets(st.integers(0, 6)).map(lambda chosen: tuple(sorted(chosen)))
people = st.lists(st.sampled_from(HANDLES), unique=True, max_size=3).map(tuple)
slots = st.lists(people, max_size=5).map(tuple)
waits = st.integers(1, 600).map(lambda minutes: minutes * 60)


def maybe(strategy):
    return st.one_of(st.none(), strategy)


@st.composite
def spans(draw):
    start = draw(instants)
    return start, start + timedelta(minutes=draw(st.integers(1, 60 * 24 * 40)))


def restrictions(*also):
    tz = maybe(st.one_of(zones, *(st.just(word) for word in also)))
    daily = st.builds(Restriction, type=st.just("daily"), start=clocks, end=ends, days=days, tz=tz)
    weekly = st.builds(
        Restriction,
        type=st.just("weekly"),
        start=clocks,
        end=ends,
        start_day=st.integers(0, 6),
        end_day=st.integers(0, 6),
        tz=tz,
    )
    return st.lists(st.one_of(daily, weekly), max_size=2).map(tuple)


@st.composite
def rotations(draw):
    unit = draw(st.sampled_from(("hour", "day", "week", "month")))
    elapsed = unit != "month" and draw(st.booleans())
    change = st.builds(
        Change,
        at=instants,
        when=st.sampled_from(("now", "next_handoff")),
        policy=st.sampled_from(("keep_current", "restart", "positional")),
        slots=maybe(slots),
        start_index=st.integers(0, 5),
        start=maybe(readings),
        length=maybe(st.integers(1, 9)),
        author=st.one_of(st.just(""), words),
        reason=st.one_of(st.just(""), words),
    )
    return Rotation(
        start=draw(readings),
        unit=unit,
        slots=draw(slots),
        length=draw(st.integers(1, 20)),
        clock="elapsed" if elapsed else "wall",
        advance=draw(st.sampled_from(("calendar", "active"))),
        start_index=draw(st.integers(0, 5)),
        changes=tuple(draw(st.lists(change, max_size=2))),
    )


shifts = st.builds(lambda who, span: Shift(who, *span), people, spans())


@st.composite
def layers(draw, name, place):
    since, until = draw(st.one_of(st.just((None, None)), spans()))
    return Layer(
        name=name,
        priority=draw(st.one_of(st.just(place), st.integers(-5, 5))),
        tz=draw(zones),
        since=since,
        until=until,
        role=draw(st.sampled_from(("oncall", "shadow"))),
        **draw(
            st.one_of(
                st.fixed_dictionaries({"rotation": rotations()}),
                st.fixed_dictionaries({"shifts": st.lists(shifts, max_size=3).map(tuple)}),
            )
        ),
        restrictions=draw(restrictions("member")),
        holidays=draw(
            maybe(
                st.builds(
                    Holidays,
                    st.sampled_from(("off", "only")),
                    st.sets(instants.map(lambda at: f"{at:%Y-%m-%d}"), max_size=3).map(
                        lambda found: tuple(sorted(found))
                    ),
                )
            )
        ),
    )


@st.composite
def adjustments(draw, seq, names):
    kind = draw(st.sampled_from(("set", "replace", "add", "remove", "swap", "temporary")))
    start, end = draw(spans())
    out, into = draw(st.permutations(HANDLES))[:2]
    made = Adjustment(seq, kind, start, end, reason=draw(st.one_of(st.just(""), words)))
    match kind:
        case "set":
            made = replace(made, users=draw(people))
        case "replace":
            made = replace(made, remove=out, add=into)
        case "swap":
            made = replace(made, remove=out, add=into)
        case "add":
            made = replace(made, add=into)
        case "remove":
            made = replace(made, remove=out)
        case _:
            given = draw(st.lists(shifts, min_size=1, max_size=2).map(tuple))
            made = replace(made, shifts=given, fallback=draw(st.sampled_from(("none", "base"))))
    scoped = kind in {"set", "replace", "remove"} and draw(st.booleans())
    return replace(made, layer=draw(st.sampled_from(names))) if scoped else made


@st.composite
def schedules(draw, name):
    names = draw(st.lists(words, min_size=1, max_size=3, unique=True))
    numbers = sorted(draw(st.sets(st.integers(1, 1000), max_size=3)))
    return Schedule(
        name=name,
        tz=draw(zones),
        layers=tuple(draw(layers(layer, place)) for place, layer in enumerate(names, start=1)),
        adjustments=tuple(draw(adjustments(seq, names)) for seq in numbers),
        coverage=draw(restrictions()),
    )


rules = st.lists(
    st.builds(Rule, st.one_of(st.sampled_from(("push", "sms", "email")), words), st.integers(0, 900)),
    max_size=3,
).map(tuple)


def persons(handle):
    return st.builds(
        lambda span, **said: PersonRules(
            handle, BUILT_IN, active_from=span[0], inactive_from=span[1], **said
        ),
        st.one_of(st.just((None, None)), spans()),
        tz=maybe(zones),
        high=rules,
        low=rules,
        quiet=maybe(st.builds(Quiet, clocks, ends, days)),
    )


def targets(names, least=1):
    known = [f"schedule:{name}" for name in names] + [f"person:{h}" for h in HANDLES]
    known += [f"role:{role}" for role in ROLES] + (["oncall:primary"] if names else [])
    return st.lists(st.sampled_from(known), min_size=least, max_size=3, unique=True).map(tuple)


def escalations(name, schedule_names):
    step = st.builds(
        lambda who, **said: Rung(0, who, BUILT_IN, **said),
        targets(schedule_names),
        delay_s=st.one_of(waits, st.integers(60, 4000)),
        mode=st.sampled_from(("all", "round_robin")),
        ack=st.sampled_from(("any", "all")),
        skip_if_empty=st.booleans(),
    )
    return st.builds(
        Escalation,
        name=st.just(name),
        steps=st.lists(step, min_size=1, max_size=3).map(tuple),
        source=st.just(BUILT_IN),
        repeat=st.integers(0, 9),
        fallback=st.just(("person:ada",)).flatmap(lambda _: targets(schedule_names)),
        ack_timeout_s=maybe(waits),
        remind_every_s=waits,
        stop_earlier=st.booleans(),
    )


@st.composite
def policies(draw):
    """A policy of which every part comes from a block, and is right."""
    names = draw(st.lists(slugs, max_size=2, unique=True))
    ladders = draw(st.lists(slugs, max_size=2, unique=True))
    services = draw(st.lists(words, max_size=2, unique_by=str.casefold))
    some = st.sampled_from(services) if services else st.none()
    ladder = st.sampled_from(ladders) if ladders else st.none()
    # What a service sends must end with somebody: that is a rule of its own, and its ladders end with a person.
    made = [draw(escalations(name, names)) for name in ladders]
    made = [replace(e, fallback=tuple(dict.fromkeys((*e.fallback, "person:ada")))) for e in made]
    route = st.builds(
        lambda match, **rest: Route(tuple(sorted(match.items())), BUILT_IN, **rest),
        st.dictionaries(words, words, max_size=2),
        service=maybe(some),
        sev=maybe(st.sampled_from(("SEV1", "SEV2"))),
        escalation=maybe(ladder),
        hours=restrictions().map(lambda found: tuple(replace(r, tz=r.tz or "UTC") for r in found)),
    )
    return Policy(
        severities=(),
        schedules=tuple(draw(schedules(name)) for name in names),
        escalations=tuple(made),
        services=tuple(
            MonitoredService(
                name, BUILT_IN, draw(maybe(ladder)), draw(maybe(st.just("https://relay.example/health")))
            )
            for name in services
        ),
        routes=tuple(draw(st.lists(route, max_size=2))),
        people=tuple(draw(persons(h)) for h in draw(st.lists(st.sampled_from(HANDLES), unique=True))),
    )
