"""The policy block: everything it may say, and of every rule one text that keeps it and one that breaks it."""

import json
import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handbook.block_made import FIRST, PROSE, bare_policy, blocks_of, fenced, policies, read_block, said
from tocsin.domain.people import Quiet, Rule
from tocsin.domain.schedules import Holidays, Restriction, Shift
from tocsin.handbook import block_paging, block_schedules, blocks
from tocsin.handbook.block_lines import lines_of
from tocsin.handbook.block_values import instants_of, shown
from tocsin.handbook.block_write import block_toml
from tocsin.handbook.read import read_handbook
from tocsin.handbook.render_policy import policy_json, policy_text

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 2, 1, tzinfo=UTC)
ROTATION = 'rotation = { start = "2026-01-12T09:00", unit = "week", members = ["ada", "bo"] }'
SCHEDULE = f"""\
[schedule.core]
tz = "Europe/Stockholm"
[[schedule.core.layer]]
name = "base"
{ROTATION}
"""
ESCALATION = """\
[escalation.default]
steps = [{ targets = ["schedule:core"], delay = "5m" }]
fallback = ["role:IC"]
"""
ADJUSTMENT = """\
[[schedule.core.adjustment]]
seq = 1
start = "2026-03-01T00:00Z"
end = "2026-03-02T00:00Z"
"""


@pytest.fixture(scope="module")
def prose(tmp_path_factory):
    return bare_policy(tmp_path_factory.mktemp("prose"))


def rules_of(findings):
    return [f.rule for f in findings]


# --- what it may say -------------------------------------------------------------------------------------------------

EVERYTHING = """\
[schedule.core]
tz = "Europe/Stockholm"
coverage = [{ type = "daily", start = "06:00", end = "24:00" }]
[[schedule.core.layer]]
name = "base"
tz = "Asia/Tokyo"
from = "2026-01-01T00:00Z"
until = "2027-01-01T00:00Z"
restrictions = [
  { type = "daily", start = "08:00", end = "20:00", days = ["tue", "mon"], tz = "member" },
  { type = "weekly", start_day = "fri", start = "18:00", end_day = "mon", end = "08:00", tz = "UTC" },
]
holidays = { mode = "off", dates = ["2026-12-25", "2026-12-24"] }
[schedule.core.layer.rotation]
start = "2026-01-12T09:00"
unit = "week"
length = 2
clock = "elapsed"
advance = "active"
members = ["ada", ["bo", "cem"], ""]
start_index = 1
[[schedule.core.layer.rotation.changes]]
at = "2026-06-01T00:00Z"
when = "next_handoff"
policy = "restart"
members = ["cem"]
start_index = 2
start = "2026-06-01T10:00"
unit = "day"
length = 3
clock = "wall"
author = "ada"
reason = "more hands"
[[schedule.core.layer]]
role = "shadow"
priority = 9
shifts = [{ users = ["bo"], start = "2026-02-01T00:00Z", end = "2026-02-02T00:00Z" }]
[[schedule.core.adjustment]]
seq = 2
kind = "swap"
start = "2026-03-01T00:00Z"
end = "2026-03-02T00:00Z"
beneficiary = "ada"
benefactor = ""
[[schedule.core.adjustment]]
seq = 1
kind = "replace"
layer = "base"
start = "2026-03-01T00:00Z"
end = "2026-03-02T00:00Z"
remove = "ada"
add = "bo"
[person.bo]
tz = "Europe/Helsinki"
active_from = "2026-01-01T00:00Z"
inactive_from = "2027-01-01T00:00Z"
rules.high = [{ method = "push", after = "0m" }, { method = "voice", after = "1m30s" }]
rules.low = [{ method = "email" }]
quiet = { start = "22:00", end = "07:00", days = ["sun"] }
[escalation.core]
steps = [
  { targets = ["schedule:core", "oncall:primary"], delay = "5m", mode = "round_robin", ack = "all" },
  { targets = ["person:bo", "role:Incident Commander"], delay = "1h", skip_if_empty = false },
]
repeat = 9
fallback = ["person:ada"]
ack_timeout = "off"
remind_every = "10m"
stop_earlier = true
[service.portal]
escalation = "core"
health = "https://portal.example/health"
[[route]]
match = { team = "billing", integration = "prometheus" }
service = "Portal"
sev = "sev-2"
escalation = "core"
hours = [{ type = "daily", start = "09:00", end = "17:00" }]
"""


@pytest.fixture
def everything(tmp_path):
    reading = read_block(tmp_path, EVERYTHING, NOW)
    assert [f for f in reading.findings if f.level == "error"] == []
    return reading.policy


def test_a_schedule_with_everything(everything):
    (schedule,) = everything.schedules
    base, shadow = schedule.layers
    assert (schedule.name, schedule.tz, schedule.source.line) == ("core", "Europe/Stockholm", FIRST)
    assert schedule.coverage == (Restriction("daily", "06:00", "24:00"),)
    assert (base.tz, base.priority, shadow.priority, shadow.role, shadow.name) == (
        "Asia/Tokyo",
        1,
        9,
        "shadow",
        "layer-2",
    )
    assert (base.since, base.until) == (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert base.restrictions == (
        Restriction("daily", "08:00", "20:00", (0, 1), tz="member"),
        Restriction("weekly", "18:00", "08:00", start_day=4, end_day=0, tz="UTC"),
    )
    assert base.holidays == Holidays("off", ("2026-12-24", "2026-12-25"))
    rotation = base.rotation
    assert (rotation.unit, rotation.length, rotation.clock, rotation.advance) == (
        "week",
        2,
        "elapsed",
        "active",
    )
    assert (rotation.slots, rotation.start_index) == ((("ada",), ("bo", "cem"), ()), 1)
    (change,) = rotation.changes
    assert (change.when, change.policy, change.slots) == ("next_handoff", "restart", (("cem",),))
    assert (change.unit, change.length, change.start_index, change.reason) == ("day", 3, 2, "more hands")
    assert shadow.shifts == (
        Shift(("bo",), datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC)),
    )


def test_adjustments_come_in_the_order_of_their_numbers(everything):
    made = everything.schedules[0].adjustments
    assert [(a.seq, a.kind, a.remove, a.add, a.layer) for a in made] == [
        (1, "replace", "ada", "bo", "base"),
        (2, "swap", "ada", "", None),
    ]


def test_a_person_with_rules_and_quiet_hours(everything):
    (person,) = everything.people
    assert (person.handle, person.tz) == ("bo", "Europe/Helsinki")
    assert person.high == (Rule("push", 0), Rule("voice", 90))
    assert person.low == (Rule("email", 0),)
    assert person.quiet == Quiet("22:00", "07:00", (6,))


def test_an_escalation_a_service_and_a_route(everything):
    (escalation,) = everything.escalations
    first, second = escalation.steps
    assert (first.targets, first.delay_s, first.after_s) == (("schedule:core", "oncall:primary"), 300, 0)
    assert (first.mode, first.ack, first.skip_if_empty) == ("round_robin", "all", True)
    assert (second.mode, second.ack, second.skip_if_empty) == ("all", "any", False)
    assert second.targets == ("person:bo", "role:ic")
    assert (escalation.repeat, escalation.ack_timeout_s, escalation.remind_every_s) == (9, None, 600)
    assert escalation.stop_earlier
    assert [(s.name, s.escalation) for s in everything.services] == [("portal", "core")]
    (route,) = everything.routes
    assert dict(route.match) == {"team": "billing", "integration": "prometheus"}
    assert (route.service, route.sev, route.escalation) == ("portal", "SEV2", "core")
    assert route.hours == (Restriction("daily", "09:00", "17:00", tz="Europe/Stockholm"),)


def test_what_is_not_said_has_the_documented_default(tmp_path):
    policy = read_block(tmp_path, SCHEDULE + ESCALATION).policy
    rotation = policy.schedules[0].layers[0].rotation
    assert (rotation.length, rotation.clock, rotation.advance, rotation.start_index) == (
        1,
        "wall",
        "calendar",
        0,
    )
    escalation = policy.escalations[0]
    assert (escalation.repeat, escalation.ack_timeout_s, escalation.remind_every_s) == (0, 3600, 1800)
    assert not escalation.stop_earlier
    step = escalation.steps[0]
    assert (step.mode, step.ack, step.skip_if_empty) == ("all", "any", True)


def test_blocks_of_several_files_make_one_policy(prose):
    policy, findings = blocks_of(prose, ESCALATION, SCHEDULE)
    assert findings == ()
    assert (policy.schedules[0].source.file, policy.escalations[0].source.file) == ("doc1.md", "doc0.md")


def test_a_handbook_without_a_block_is_as_it_was(prose):
    assert blocks_of(prose) == (prose, ())


# --- of every rule, what breaks it -----------------------------------------------------------------------------------


def layered(line):
    return SCHEDULE + line + "\n"


def within(text):
    return layered(f"restrictions = [{{ {text} }}]")


def paged(before, after):
    return (SCHEDULE + ESCALATION).replace(before, after)


def rotated(text):
    return SCHEDULE.replace(ROTATION, f"rotation = {{ {text} }}")


def stepped(text):
    return SCHEDULE + ESCALATION.replace(', delay = "5m"', f", {text}" if text else "")


def adjusted(text):
    return SCHEDULE + ADJUSTMENT + text


GOOD_ROTATION = 'start = "2026-01-12T09:00", unit = "week", members = ["ada", "bo"]'
BROKEN = {
    "no TOML": ("block-syntax", 2, "", "[schedule.core]\ntz = Europe/Stockholm\n"),
    "cut short": ("block-syntax", 1, "", 'a = ["b"'),
    "the same key twice": ("block-syntax", 3, "", '[person.ada]\ntz = "UTC"\ntz = "UTC"\n'),
    "an unknown part": ("block-key", 1, "did you mean 'schedule'?", "[schedul.core]\n"),
    "an unknown key": ("block-key", 6, "did you mean 'restrictions'?", layered("restriction = []")),
    "a key of the other kind": (
        "block-key",
        6,
        "did you mean 'start'?",
        within('type = "daily", start = "08:00", end = "09:00", start_day = "mon"'),
    ),
    "a text for a number": (
        "block-value",
        5,
        "not a whole number",
        rotated(GOOD_ROTATION + ', length = "2"'),
    ),
    "true is no number": ("block-value", 5, "not a whole number", rotated(GOOD_ROTATION + ", length = true")),
    "a length of 0": ("block-value", 5, "(T5)", rotated(GOOD_ROTATION + ", length = 0")),
    "an unknown unit": (
        "block-value",
        5,
        "did you mean 'week'?",
        rotated(GOOD_ROTATION.replace('"week"', '"weeks"')),
    ),
    "months in elapsed time": (
        "block-value",
        5,
        "(T5)",
        rotated(GOOD_ROTATION.replace("week", "month") + ', clock = "elapsed"'),
    ),
    "a change to months in elapsed time": (
        "block-value",
        5,
        "(T5)",
        rotated(
            GOOD_ROTATION + ', clock = "elapsed", changes = [{ at = "2026-05-01T00:00Z", unit = "month" }]'
        ),
    ),
    "a change of nothing": (
        "block-value",
        5,
        "changes nothing",
        rotated(GOOD_ROTATION + ', changes = [{ at = "2026-05-01T00:00Z" }]'),
    ),
    "an unknown day": (
        "block-value",
        6,
        "did you mean 'mon'?",
        within('type = "daily", start = "08:00", end = "09:00", days = ["monday"]'),
    ),
    "no day": (
        "block-value",
        6,
        "(W1)",
        within('type = "daily", start = "08:00", end = "09:00", days = []'),
    ),
    "a clock of one digit": (
        "block-value",
        6,
        "(T8)",
        within('type = "daily", start = "8:00", end = "09:00"'),
    ),
    "24:00 as a start": (
        "block-value",
        6,
        "24:00 ends a span",
        within('type = "daily", start = "24:00", end = "09:00"'),
    ),
    "a window of no kind": (
        "block-value",
        6,
        "did you mean 'weekly'?",
        within('type = "weekl", start = "08:00", end = "09:00"'),
    ),
    "no zone": ("block-value", 1, "tz is missing", SCHEDULE.replace('tz = "Europe/Stockholm"\n', "")),
    "no layer": ("block-value", 1, "layer is missing", '[schedule.core]\ntz = "UTC"\n'),
    "a layer of both": ("block-value", 3, "both a rotation and shifts", layered("shifts = []")),
    "a layer of neither": ("block-value", 3, "neither", SCHEDULE.replace(ROTATION, "")),
    "a name with blanks": ("block-value", 1, "call it 'the-core'", SCHEDULE.replace(".core", '."The Core"')),
    "a hole in a group": ("block-value", 5, "(R5)", rotated(GOOD_ROTATION.replace('"bo"', '["bo", ""]'))),
    "a swap with herself": (
        "block-value",
        12,
        "(A12)",
        adjusted('kind = "swap"\nbeneficiary = "ada"\nbenefactor = "ada"\n'),
    ),
    "two open swaps of the same hours": (
        "block-value",
        17,
        "(A13)",
        adjusted('kind = "swap"\nbeneficiary = "ada"\n')
        + ADJUSTMENT.replace("seq = 1", "seq = 2")
        + 'kind = "swap"\nbeneficiary = "ada"\n',
    ),
    "a swap in one layer": (
        "block-value",
        12,
        "(A9)",
        adjusted('kind = "swap"\nbeneficiary = "ada"\nlayer = "base"\n'),
    ),
    "an adjustment of no kind": (
        "block-value",
        10,
        "did you mean 'set'?",
        adjusted('kind = "sets"\nusers = []\n'),
    ),
    "no delay": ("block-value", 7, "delay is missing", stepped("")),
    "a delay of nothing": ("block-value", 7, "(E2)", stepped('delay = "0m"')),
    "a delay under a minute": ("block-value", 7, "(E2)", stepped('delay = "59s"')),
    "a negative delay": ("block-value", 7, "no duration", stepped('delay = "-5m"')),
    "a delay without unit": ("block-value", 7, "no duration", stepped('delay = "5"')),
    "a step without targets": (
        "block-value",
        7,
        "targets is missing",
        stepped('delay = "5m"').replace('"schedule:core"', ""),
    ),
    "an escalation without steps": (
        "block-value",
        1,
        "steps is missing",
        '[escalation.x]\nfallback = ["role:IC"]\n',
    ),
    "ten repetitions": ("block-value", 9, "(E6)", SCHEDULE + ESCALATION + "repeat = 10\n"),
    "a name that the prose has": (
        "block-value",
        6,
        "sentence",
        SCHEDULE + ESCALATION.replace("default", "handbook"),
    ),
    "no web address": (
        "block-value",
        10,
        "no web address",
        SCHEDULE + ESCALATION + '[service.x]\nhealth = "/up"\n',
    ),
    "an instant without a zone": ("block-time", 6, "(T9)", layered('from = "2026-03-02T09:00"')),
    "an instant with an offset": (
        "block-time",
        6,
        'write "2026-03-02T08:00Z"',
        layered('from = "2026-03-02T09:00+01:00"'),
    ),
    "a reading with a zone": ("block-time", 5, "(R1)", rotated(GOOD_ROTATION.replace("T09:00", "T09:00Z"))),
    "a day that is none": ("block-time", 5, "(T8)", rotated(GOOD_ROTATION.replace("01-12", "02-30"))),
    "a rotation before 1973": ("block-time", 5, "(T12)", rotated(GOOD_ROTATION.replace("2026", "1972"))),
    "an instant before 1973": ("block-time", 6, "(T12)", layered('from = "1972-12-31T23:59Z"')),
    "a layer that ends first": (
        "block-time",
        7,
        "(T7)",
        layered('from = "2026-02-01T00:00Z"\nuntil = "2026-01-01T00:00Z"'),
    ),
    "an empty adjustment": (
        "block-time",
        9,
        "(T7)",
        adjusted('kind = "set"\nusers = []\n').replace("03-02", "03-01"),
    ),
    "somebody who leaves first": (
        "block-time",
        3,
        "(T7)",
        '[person.ada]\nactive_from = "2026-02-01T00:00Z"\ninactive_from = "2026-01-01T00:00Z"\n',
    ),
    "a holiday that is no date": (
        "block-time",
        6,
        "(W6)",
        layered('holidays = { mode = "off", dates = ["24 Dec"] }'),
    ),
    "an unknown zone": (
        "zone-unknown",
        2,
        "did you mean 'Europe/Stockholm'?",
        SCHEDULE.replace("holm", "hom"),
    ),
    "an unknown zone of a person": ("zone-unknown", 2, "(T11)", '[person.ada]\ntz = "Mars/Base"\n'),
    "member is no zone of a layer": ("zone-unknown", 6, "(T11)", layered('tz = "member"')),
    "a second layer of a name": (
        "block-duplicate",
        7,
        "called 'base' too",
        SCHEDULE + '[[schedule.core.layer]]\nname = "base"\nshifts = []\n',
    ),
    "a number that is taken": (
        "block-duplicate",
        13,
        "(A6)",
        adjusted('kind = "set"\nusers = []\n') + ADJUSTMENT + 'kind = "set"\nusers = []\n',
    ),
    "an unknown member": (
        "block-person",
        5,
        "did you mean 'ada'?",
        rotated(GOOD_ROTATION.replace("ada", "adaa")),
    ),
    "an unknown member of a group": (
        "block-person",
        5,
        "'eve'",
        rotated(GOOD_ROTATION.replace('"bo"', '["bo", "eve"]')),
    ),
    "an unknown user": ("block-person", 11, "'eve'", adjusted('kind = "set"\nusers = ["eve"]\n')),
    "an unknown person": ("block-person", 1, "'eve'", '[person.eve]\ntz = "UTC"\n'),
    "an unknown target person": ("block-person", 7, "'eve'", paged("schedule:core", "person:eve")),
    "an unknown schedule": (
        "block-target",
        7,
        "did you mean 'core'?",
        paged("schedule:core", "schedule:cor"),
    ),
    "an unknown role": ("block-target", 8, "no role is called 'king'", paged("role:IC", "role:king")),
    "a target of no kind": ("block-target", 7, "is no target", paged("schedule:core", "core")),
    "nobody is secondary": ("block-target", 7, "'secondary'", paged("schedule:core", "oncall:secondary")),
    "an unknown escalation": (
        "block-target",
        10,
        "did you mean 'default'?",
        SCHEDULE + ESCALATION + '[service.x]\nescalation = "defaul"\n',
    ),
    "an unknown service": ("block-target", 3, "'x'", '[[route]]\nmatch = {}\nservice = "x"\n'),
    "an unknown level": ("block-target", 3, "'SEV9'", '[[route]]\nmatch = {}\nsev = "SEV9"\n'),
    "a layer that is not there": (
        "block-target",
        12,
        "(A9)",
        adjusted('kind = "set"\nusers = []\nlayer = "x"\n'),
    ),
    "an escalation that calls itself": ("block-fallback", 8, "(E5)", paged("role:IC", "escalation:default")),
    "a service without fallback": (
        "block-fallback",
        8,
        "without a fallback",
        paged('fallback = ["role:IC"]\n', "") + '[service.x]\nescalation = "default"\n',
    ),
    "a fallback of a role that nobody has": (
        "block-fallback",
        9,
        "means nobody",
        (SCHEDULE + ESCALATION + "[service.x]\n").replace("role:IC", "role:scribe"),
    ),
    "a fallback of an empty schedule": (
        "block-fallback",
        14,
        "means nobody",
        paged("role:IC", "schedule:void") + '[schedule.void]\ntz = "UTC"\n[[schedule.void.layer]]\n'
        'rotation = { start = "2026-01-12T09:00", unit = "day", members = [""] }\n' + "\n[service.x]\n",
    ),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_what_breaks_a_rule_is_named_with_its_line_and_blocks_the_reading(name, tmp_path):
    rule, line, said_so, text = BROKEN[name]
    reading = read_block(tmp_path, text)
    found = [f for f in reading.findings if f.level == "error"]
    assert rules_of(found) == [rule], found
    (finding,) = found
    assert (finding.file, finding.line) == ("incident_response.md", FIRST - 1 + line)
    assert said_so in f"{finding.message} / {finding.repair}"
    assert finding.repair
    assert reading.blocked


def test_every_error_of_a_block_is_broken_here():
    from tocsin.handbook.findings import RULES

    wanted = {name for name, rule in RULES.items() if name.startswith("block-") and rule.level == "error"}
    assert wanted <= {rule for rule, *_ in BROKEN.values()}


FINE = {
    "a schedule": SCHEDULE,
    "an escalation": SCHEDULE + ESCALATION,
    "nobody in a rotation": rotated(GOOD_ROTATION.replace('["ada", "bo"]', "[]")),
    "the same person twice": rotated(GOOD_ROTATION.replace('"bo"', '"bo", "ada"')),
    "a start that a clock change skips": rotated(
        GOOD_ROTATION.replace("2026-01-12T09:00", "2026-03-29T02:30")
    ),
    "a start that happens twice": rotated(GOOD_ROTATION.replace("2026-01-12T09:00", "2026-10-25T02:30")),
    "24:00 as an end": within('type = "daily", start = "08:00", end = "24:00"'),
    "a day from end to end": within('type = "daily", start = "09:00", end = "09:00", days = ["mon"]'),
    "a deliberate gap": adjusted('kind = "set"\nusers = []\nreason = "moving house"\n'),
    "an open swap": adjusted('kind = "swap"\nbeneficiary = "ada"\n'),
    "a quarter of an hour": stepped('delay = "1h30m"'),
    "a minute": stepped('delay = "1m"'),
    "a rule at once": '[person.ada]\nrules.high = [{ method = "push", after = "0m" }]\n',
    "somebody who has left": SCHEDULE + '[person.bo]\ninactive_from = "2026-01-01T00:00Z"\n',
    "a service on the whole": SCHEDULE + ESCALATION + "[service.x]\n",
    "a service without any escalation": "[service.x]\n",
    "a route for everything": '[[route]]\nmatch = {}\nsev = "SEV2"\n',
    "a role that nobody may act as": stepped('delay = "5m"').replace(
        '"schedule:core"', '"schedule:core", "role:scribe"'
    ),
    "two swaps one after the other": adjusted('kind = "swap"\nbeneficiary = "ada"\n')
    + ADJUSTMENT.replace("seq = 1", "seq = 2").replace("03-02", "03-03").replace("03-01", "03-02")
    + 'kind = "swap"\nbeneficiary = "ada"\n',
}


@pytest.mark.parametrize("name", sorted(FINE))
def test_what_keeps_the_rules_has_no_error(name, tmp_path):
    reading = read_block(tmp_path, FINE[name])
    assert [f for f in reading.findings if f.level == "error"] == []


def test_a_name_in_two_files_is_defined_once(prose):
    policy, findings = blocks_of(prose, SCHEDULE, SCHEDULE.replace('"bo"', '"cem"'))
    assert rules_of(findings) == ["block-duplicate"]
    assert "doc0.md line" in findings[0].message
    assert policy.schedules[0].source.file == "doc0.md"


@pytest.mark.parametrize("kind", ["person.ada", "escalation.default", "service.Portal"])
def test_every_kind_of_name_is_defined_once(kind, prose):
    body = {"escalation": 'steps = [{ targets = ["role:IC"], delay = "5m" }]\nfallback = ["role:IC"]\n'}
    text = f"[{kind}]\n{body.get(kind.partition('.')[0], '')}"
    again = text.replace("Portal", "portal")
    assert rules_of(blocks_of(prose, text, again)[1]) == ["block-duplicate"]


def test_what_is_wrong_is_left_out_and_the_rest_is_there(tmp_path):
    text = SCHEDULE + ESCALATION + '[person.ada]\ntz = "Nowhere"\n[person.bo]\ntz = "UTC"\n'
    policy = read_block(tmp_path, text).policy
    assert [p.handle for p in policy.people] == ["bo"]
    assert policy.escalation("default") is not None


def test_a_schedule_that_is_wrong_is_still_one_that_can_be_named(tmp_path):
    reading = read_block(tmp_path, SCHEDULE.replace("Stockholm", "Stokholm") + ESCALATION + "[service.x]\n")
    assert rules_of(reading.findings) == ["zone-unknown"]


def test_several_wrongs_are_all_named_at_once(tmp_path):
    reading = read_block(tmp_path, rotated('start = "x", unit = "y", members = ["z"], length = 0'))
    assert sorted(rules_of(reading.findings)) == ["block-person", "block-time", "block-value", "block-value"]


@pytest.mark.parametrize(
    ("reading", "repair"),
    [
        ("2026-03-29T02:30", 'never happens, the clock goes to 03:00: write "2026-03-29T01:00Z"'),
        ("2026-10-25T02:30", 'happens twice: write "2026-10-25T00:30Z" or "2026-10-25T01:30Z"'),
        ("2026-06-01T09:00", 'write "2026-06-01T07:00Z"'),
    ],
)
def test_a_reading_where_an_instant_is_asked_names_the_instants_it_could_be(reading, repair, tmp_path):
    (finding,) = read_block(tmp_path, layered(f'from = "{reading}"')).findings
    assert repair in finding.repair


def test_a_date_without_quotes_is_told_to_be_put_in_quotes(tmp_path):
    (finding,) = read_block(tmp_path, layered("from = 2026-03-29T01:00:00Z")).findings
    assert (finding.rule, "in quotes" in finding.repair) == ("block-value", True)


def test_the_line_is_that_of_the_part_of_a_list(tmp_path):
    text = rotated(GOOD_ROTATION).replace('["ada", "bo"]', '[\n  "ada",\n  # a comment\n  "bo",\n  "eve",\n]')
    (finding,) = read_block(tmp_path, text).findings
    assert (finding.rule, finding.line) == ("block-person", FIRST + 8)


# --- what is possible and still worth a word -------------------------------------------------------------------------


def warned(tmp_path, text, now=None, prose=PROSE):
    reading = read_block(tmp_path, text, now, prose)
    assert not reading.blocked
    return [(f.rule, f.line - FIRST + 1) for f in reading.findings]


def test_a_complete_block_has_no_finding(tmp_path):
    assert warned(tmp_path, SCHEDULE + ESCALATION + "[service.x]\n", NOW) == []


def test_a_rota_of_one_or_of_nobody_is_named(tmp_path):
    alone = rotated(GOOD_ROTATION.replace('"bo"', '"ada"'))
    assert warned(tmp_path, alone) == [("one-person-rota", 5)]
    assert warned(tmp_path, rotated(GOOD_ROTATION.replace('"ada", "bo"', '""'))) == [("one-person-rota", 5)]


def test_a_shadow_does_not_make_a_rota_of_two(tmp_path):
    shadow = f'[[schedule.core.layer]]\nrole = "shadow"\n{ROTATION}\n'
    alone = rotated(GOOD_ROTATION.replace('"bo"', '"ada"'))
    assert warned(tmp_path, alone + shadow) == [("one-person-rota", 5)]


INSIDE = [("handoff-in-window", 5)]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ('{ type = "daily", start = "20:00", end = "08:00" }', []),
        ('{ type = "daily", start = "08:00", end = "20:00" }', INSIDE),
        ('{ type = "daily", start = "09:00", end = "17:00" }', []),
        ('{ type = "daily", start = "08:00", end = "17:00", days = ["tue"] }', []),
        ('{ type = "weekly", start_day = "sun", start = "00:00", end_day = "mon", end = "09:00" }', []),
        ('{ type = "weekly", start_day = "sun", start = "00:00", end_day = "mon", end = "09:01" }', INSIDE),
        ('{ type = "daily", start = "00:00", end = "24:00" }', []),
        ('{ type = "daily", start = "08:00", end = "20:00", tz = "member" }', []),
        (
            '{ type = "daily", start = "06:00", end = "09:00" }, { type = "daily", start = "09:00", end = "12:00" }',
            INSIDE,
        ),
        ('{ type = "daily", start = "09:00", end = "17:00", tz = "UTC" }', []),
        ('{ type = "daily", start = "07:30", end = "17:00", tz = "UTC" }', INSIDE),
    ],
)
def test_a_hand_over_inside_the_hours_is_named(hours, expected, tmp_path):
    """The hand-over is Monday 09:00 in Stockholm, 08:00 UTC in winter and 07:00 in summer (W5)."""
    assert warned(tmp_path, layered(f"restrictions = [{hours}]")) == expected


def test_holidays_that_end_soon_are_named(tmp_path):
    text = layered('holidays = { mode = "off", dates = ["2026-04-01"] }')
    assert warned(tmp_path, text, NOW) == [("holidays-end", 6)]
    assert warned(tmp_path, text, NOW - timedelta(days=2)) == []
    assert warned(tmp_path, text) == []


def test_an_escalation_without_fallback_is_named(tmp_path):
    text = SCHEDULE + ESCALATION.replace('fallback = ["role:IC"]\n', "")
    assert warned(tmp_path, text) == [("fallback-missing", 6)]


def test_an_escalation_that_calls_no_ic_is_named_at_its_rota(tmp_path):
    text = rotated(GOOD_ROTATION.replace('"ada", ', "")) + ESCALATION.replace("role:IC", "person:bo")
    assert ("rotation-without-ic", 5) in warned(tmp_path, text)
    assert ("rotation-without-ic", 5) not in warned(tmp_path, SCHEDULE + ESCALATION)


def test_a_word_that_is_no_kind_of_channel_is_named(tmp_path):
    text = '[person.ada]\nrules.low = [{ method = "email" }, { method = "pidgeon" }]\n'
    assert warned(tmp_path, text) == [("method-unknown", 2)]


LATE = '[person.bo]\nrules.high = [{ method = "push" }, { method = "voice", after = "5m" }]\n'


def test_a_rule_behind_the_next_step_is_named(tmp_path):
    two = ESCALATION.replace("}]", '}, { targets = ["role:IC"], delay = "5m" }]') + "stop_earlier = true\n"
    assert warned(tmp_path, SCHEDULE + two + LATE) == [("rule-unreachable", 11)]


@pytest.mark.parametrize(
    "change",
    [
        ("stop_earlier = true\n", ""),
        ('delay = "5m" }, {', 'delay = "6m" }, {'),
        ('["role:IC"], delay', '["role:IC", "person:bo"], delay'),
        ('after = "5m"', 'after = "4m59s"'),
        ("rules.high", "rules.low"),
    ],
)
def test_a_rule_that_has_its_time_is_not(change, tmp_path):
    two = ESCALATION.replace("}]", '}, { targets = ["role:IC"], delay = "5m" }]') + "stop_earlier = true\n"
    assert warned(tmp_path, (SCHEDULE + two + LATE).replace(*change)) == []


def test_a_route_behind_one_that_takes_everything_is_named(tmp_path):
    first, second = (
        '[[route]]\nmatch = {}\nsev = "SEV1"\n',
        '[[route]]\nmatch = { team = "a" }\nsev = "SEV2"\n',
    )
    assert warned(tmp_path, first + second) == [("route-shadowed", 4)]
    assert warned(tmp_path, second + first) == []
    hours = 'hours = [{ type = "daily", start = "08:00", end = "17:00", tz = "UTC" }]\n'
    assert warned(tmp_path, first + hours + second) == []


# --- block and prose -------------------------------------------------------------------------------------------------

TABLE = PROSE.replace(
    "## Policy\n",
    """\
## On-call

Weekly, handover Monday 09:00 Europe/Stockholm. The table repeats.

| Week | Starts | Primary |
|------|--------|---------|
| A | 2026-01-12 | Ada Berg |
| B | 2026-01-19 | Cem Kaya |

## Policy
""",
)
LADDER = PROSE.replace(
    "## Policy\n",
    "## Communication channels\n\n"
    "- Escalation: call every IC; no answer in 5m, call Ada Berg.\n\n## Policy\n",
)
CLIMB = """\
[escalation.default]
steps = [{ targets = ["role:IC"], delay = "5m" }, { targets = ["person:ada"], delay = "9m" }]
fallback = ["role:IC"]
"""


def disagreements(tmp_path, text, prose, now=NOW):
    reading = read_block(tmp_path, text, now, prose)
    assert not reading.blocked
    assert {f.rule for f in reading.findings} <= {"block-disagrees"}
    return [f.message for f in reading.findings]


PRIMARY = SCHEDULE.replace("core", "primary")


def test_a_table_that_names_somebody_else_is_a_finding_that_says_which_runs(tmp_path):
    (message,) = disagreements(tmp_path, PRIMARY, TABLE)
    assert "has bo on call" in message
    assert "cem" in message
    assert message.endswith("the block runs")
    assert "at 2026-02-02T08:00Z" in message


def test_a_table_that_says_the_same_is_none(tmp_path):
    assert disagreements(tmp_path, PRIMARY.replace('"bo"', '"cem"'), TABLE) == []


def test_a_table_that_differs_only_later_is_one_too(tmp_path):
    later = (
        PRIMARY.replace('"bo"', '"cem"')
        + ADJUSTMENT.replace("core", "primary")
        + 'kind = "set"\nusers = ["bo"]\n'
    )
    (message,) = disagreements(tmp_path, later, TABLE)
    assert "at 2026-03-01T00:00Z" in message
    assert disagreements(tmp_path, later.replace("2026-03", "2026-07"), TABLE) == []


def test_another_zone_is_a_finding_without_any_time(tmp_path):
    (message,) = disagreements(tmp_path, PRIMARY.replace("Stockholm", "Helsinki"), TABLE, None)
    assert "Europe/Helsinki" in message
    assert "Europe/Stockholm" in message


def test_a_schedule_of_another_name_does_not_disagree(tmp_path):
    assert disagreements(tmp_path, SCHEDULE, TABLE) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("5m", "6m"), "after 6m"),
        (("person:ada", "person:bo"), "person:bo"),
    ],
)
def test_a_sentence_that_says_otherwise_is_a_finding(change, told, tmp_path):
    (message,) = disagreements(tmp_path, CLIMB.replace(*change), LADDER)
    assert told in message
    assert message.endswith("the block runs")


def test_a_sentence_that_says_the_same_is_none(tmp_path):
    assert disagreements(tmp_path, CLIMB, LADDER) == []


def test_the_only_escalation_runs_for_what_names_it(tmp_path):
    (message,) = disagreements(tmp_path, CLIMB.replace("5m", "6m").replace("default", "x"), LADDER)
    assert message.endswith("the sentence for everything else")


def test_the_default_of_several_escalations_is_the_one_that_is_compared(tmp_path):
    both = CLIMB + CLIMB.replace("default", "other").replace("5m", "6m")
    assert disagreements(tmp_path, both, LADDER) == []


# --- writing it back -------------------------------------------------------------------------------------------------


@settings(max_examples=80)
@given(policies())
def test_reading_what_was_written_gives_the_same(made):
    """V6: writing back what was read changes nothing."""
    prose = _PROSE[0]
    text = block_toml(made)
    policy, findings = blocks_of(prose, text)
    assert [f for f in findings if f.level == "error"] == []
    assert said(policy) == said(made)
    assert block_toml(policy) == text


_PROSE = []


@pytest.fixture(autouse=True, scope="module")
def _read_once(prose):
    _PROSE[:] = [prose]


def test_nothing_in_blocks_is_written_as_nothing(prose):
    assert block_toml(prose) == ""


# --- no text is too odd ----------------------------------------------------------------------------------------------

PIECES = [
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ",",
    ".",
    '"',
    "'",
    '"""',
    "#",
    "-",
    "0xfff",
    "1e400",
    "nan",
    "inf",
    "true",
    "schedule",
    "person",
    "ada",
    "route",
    "layer",
    "rotation",
    "members",
    "steps",
    "match",
    "tz",
    '"2026-01-01T00:00Z"',
    "2026-01-01",
    "\\u0000",
]
ODD = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from([*PIECES, "\n", " ", "\t", "\x7f", "\u2028", "9" * 30]),
        max_size=40,
    ).map("".join),
)


@settings(max_examples=300)
@given(ODD)
def test_any_text_gives_findings_and_nothing_else(text):
    policy, _ = blocks_of(_PROSE[0], text)
    json.dumps(policy_json(policy))


WORDS = [
    "ada",
    "5m",
    "0m",
    "week",
    "2026-01-12T09:00",
    "2026-01-12T09:00Z",
    "09:00",
    "24:00",
    "mon",
    "UTC",
    "core",
]
NAMES = [
    *block_schedules.LAYER_KEYS,
    *block_schedules.ROTATION_KEYS,
    *block_schedules.ADJUSTMENT_KEYS,
    *block_schedules.DAILY_KEYS,
    *block_paging.ESCALATION_KEYS,
    *block_paging.STEP_KEYS,
    *["layer", "adjustment", "users", "core", "ada", "quiet", "rules", "high", "method", "after"],
]
VALUES = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-5, 10**20),
        st.text(max_size=8),
        st.sampled_from(WORDS),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=25,
)


def toml_of(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {toml_of(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml_of(v) for v in value) + "]"
    return json.dumps(value).replace("\x7f", "\\u007f") if isinstance(value, str) else str(value)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(blocks.TOP_KEYS), VALUES, max_size=3))
def test_any_values_give_findings_and_nothing_else(values):
    text = "\n".join(f"{key} = {toml_of(value)}" for key, value in values.items())
    policy, _ = blocks_of(_PROSE[0], text)
    assert policy_text(policy)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "9" * 5000,
        "schedule = 0x" + "f" * 5000,
        "a = " + "[" * 5000,
        "a = " + "[" * 5000 + "]" * 5000,
        "a = " + "{ b = " * 900 + "1" + " }" * 900,
        "a = 9999-99-99",
        f'[schedule."{"x" * 3000}"]\ntz = "{"y" * 3000}"',
        'schedule.core.tz = "\\u0000"',
        "[[schedule]]\n[[schedule.layer]]\n",
        "[person]\nada = 3\n",
    ],
)
def test_monstrous_values_are_refused_in_a_few_words(text, prose):
    _, findings = blocks_of(prose, text)
    assert findings
    assert all(len(f.message) < 600 for f in findings)


# --- lines -----------------------------------------------------------------------------------------------------------


def paths(value, path=()):
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from paths(part, (*path, key))


@settings(max_examples=40)
@given(policies())
def test_every_key_has_a_line(made):
    text = block_toml(made)
    lines = lines_of(text)
    written = text.split("\n")
    for path in paths(tomllib.loads(text)):
        if path and isinstance(path[-1], str) and not isinstance(path[0], int):
            assert path in lines, path
            key = path[-1]
            assert key in written[lines[path] - 1] or json.dumps(key, ensure_ascii=False)[1:-1] in (
                written[lines[path] - 1].replace("\\u007f", "\x7f")
            )


def test_lines_of_every_form():
    text = (
        '# a comment [not.a.table]\n[a]\n"b c".\'d\' = """x\n[no]\n"quoted"\n"""\n'
        "e = [\n  1, # one\n  { f = '''y\n''', g = 2026-01-01 00:00:00 },\n]\n"
        '[[l]]\n[[l]]\nm."\\u006e" = "a # b = c"\n[l.o]\np = 1\n[[l.q]]\nr = true\n[x.y]\n'
    )
    lines = lines_of(text)
    assert tomllib.loads(text)["l"][1]["q"] == [{"r": True}]
    found = {
        ("a",): 2,
        ("a", "b c"): 3,
        ("a", "b c", "d"): 3,
        ("a", "e"): 7,
        ("a", "e", 0): 8,
        ("a", "e", 1): 9,
        ("a", "e", 1, "f"): 9,
        ("a", "e", 1, "g"): 10,
        ("l",): 12,
        ("l", 0): 12,
        ("l", 1): 13,
        ("l", 1, "m"): 14,
        ("l", 1, "m", "n"): 14,
        ("l", 1, "o"): 15,
        ("l", 1, "o", "p"): 16,
        ("l", 1, "q"): 17,
        ("l", 1, "q", 0): 17,
        ("l", 1, "q", 0, "r"): 18,
        ("x",): 19,
        ("x", "y"): 19,
    }
    assert lines == found


# --- what is shown of it ---------------------------------------------------------------------------------------------


def test_the_public_shape(everything):
    shape = policy_json(everything)
    json.dumps(shape)
    for key in ("schedules", "escalations", "services", "routes", "people"):
        assert all(entry["file"] and entry["line"] for entry in shape[key]), key
        assert shape[key], key
    layer = shape["schedules"][0]["layers"][0]
    assert (layer["from"], layer["rotation"]["members"]) == (
        "2026-01-01T00:00Z",
        [["ada"], ["bo", "cem"], []],
    )
    assert layer["restrictions"][0]["days"] == ["mon", "tue"]
    assert layer["restrictions"][1]["start_day"] == "fri"
    assert shape["escalations"][0]["steps"][0]["delay_s"] == 300
    assert shape["routes"][0]["match"] == {"team": "billing", "integration": "prometheus"}
    assert shape["people"][0]["high"] == [
        {"method": "push", "after_s": 0},
        {"method": "voice", "after_s": 90},
    ]


def test_everything_is_told_in_a_sentence(everything):
    text = policy_text(everything)
    for words in (
        "schedule core in Europe/Stockholm, 2 layers",
        "core: layer base, priority 1: every 2 weeks from 2026-01-12T09:00: ada, bo+cem, nobody, 1 change",
        "core: shadow layer layer-2, priority 9: 1 shift",
        "core: adjustment 2, 2026-03-01T00:00Z to 2026-03-02T00:00Z: swap ada by whoever takes it",
        "person bo: in Europe/Helsinki",
        "escalation core: 2 steps, 9 repetitions, fallback person:ada",
        "service portal: escalation core",
        "route integration=prometheus, team=billing within 1 span of hours: service portal, level SEV2",
    ):
        assert words in text, words
    assert "absent: escalation" not in text
    assert "absent: rotation" not in text


def test_the_hash_follows_the_block(tmp_path):
    before = read_block(tmp_path, SCHEDULE).hash
    assert read_block(tmp_path, SCHEDULE).hash == before
    assert read_block(tmp_path, SCHEDULE.replace("ada", "cem")).hash != before
    assert policy_json(read_block(tmp_path, SCHEDULE).policy) != policy_json(
        read_block(tmp_path, SCHEDULE.replace("T09:00", "T10:00")).policy
    )


def test_the_reference_names_every_key():
    text = (ROOT / "docs" / "reference" / "handbook.md").read_text("utf-8")
    section = text.partition("## The policy block\n")[2].partition("\n## ")[0]
    code = "\n".join(re.findall(r"`+[^`]+`+", section))
    keys = {*blocks.TOP_KEYS}
    for module in (block_schedules, block_paging):
        for name, value in vars(module).items():
            if name.endswith("_KEYS"):
                keys |= set(value) | {
                    key for part in value for key in (value[part] if isinstance(value, dict) else ())
                }
    assert sorted(key for key in keys if not re.search(rf"(?<![\w-]){key}(?![\w-])", code)) == []


def test_values_are_shown_short():
    assert shown("x" * 500).endswith("…'")
    assert shown(10**5000) == "a very large number"
    assert (shown([1]), shown({}), shown(True), shown("a\nb")) == ("a list", "a table", "true", r"'a\nb'")


def test_a_reading_has_one_instant_two_or_that_of_the_jump():
    def told(text, zone):
        return [f"{u:%Y-%m-%dT%H:%MZ}" for u in instants_of(datetime.fromisoformat(text), zone)]

    assert told("2026-03-29T02:30", "Europe/Stockholm") == ["2026-03-29T01:00Z"]
    assert told("2026-10-25T02:00", "Europe/Stockholm") == ["2026-10-25T00:00Z", "2026-10-25T01:00Z"]
    assert told("2011-12-30T12:00", "Pacific/Apia") == ["2011-12-30T10:00Z"]


def test_a_block_in_a_list_and_behind_tildes_keeps_its_lines(tmp_path):
    text = PROSE + "- As agreed:\n\n  ~~~ TOML tocsin\n  [person.eve]\n  ~~~\n"
    path = tmp_path / "incident_response.md"
    path.write_text(text, "utf-8")
    (finding,) = read_handbook(tmp_path, path).findings
    assert (finding.rule, text.splitlines()[finding.line - 1].strip()) == ("block-person", "[person.eve]")


def test_windows_line_ends_change_nothing(tmp_path):
    path = tmp_path / "incident_response.md"
    path.write_bytes(fenced(EVERYTHING).replace("\n", "\r\n").encode())
    crlf = read_handbook(tmp_path, path).policy
    assert crlf == read_block(tmp_path, EVERYTHING).policy


def test_a_channel_of_the_settings_is_a_method(tmp_path):
    path = tmp_path / "incident_response.md"
    path.write_text(fenced('[person.ada]\nrules.low = [{ method = "pidgeon" }]\n'), "utf-8")
    assert rules_of(read_handbook(tmp_path, path).findings) == ["method-unknown"]
    assert read_handbook(tmp_path, path, channels={"pidgeon": None}).findings == ()
