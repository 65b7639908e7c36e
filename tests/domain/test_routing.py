"""Routes: which one wins, why the others were passed over, and what an incident is opened with because of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.told import DAY, POLICY, REF, Told, acme
from tocsin.domain import events as ev
from tocsin.domain import grouping, routing
from tocsin.domain.context import Refused
from tocsin.domain.policy import Escalation, MonitoredService, Policy, Route, Rung
from tocsin.domain.schedules import Restriction
from tocsin.domain.signals import Signal
from tocsin.domain.source import Source

DAYTIME = Restriction("daily", "08:00", "18:00", days=(0, 1, 2, 3, 4), tz="Europe/Stockholm")


def line(number: int) -> Source:
    return Source("ops.md", number)


def escalation(name: str, *targets: str) -> Escalation:
    return Escalation(name, (Rung(0, targets or ("person:priya",), line(90), delay_s=300),), line(90))


def block(*routes: Route, **changes: object) -> Policy:
    """The example's handbook with a policy block."""
    parts: dict[str, object] = {
        "routes": routes,
        "services": (MonitoredService("Portal", line(70), "platform"), MonitoredService("billing", line(71))),
        "escalations": (escalation("platform"), escalation("night"), escalation("default")),
    }
    return replace(POLICY, **{**parts, **changes})  # type: ignore[arg-type]


def signal(**said: object) -> Signal:
    return replace(Signal("prometheus", "HighErrors", "Many errors", "warning"), **said)  # type: ignore[arg-type]


BILLING = Route((("integration", "prometheus"), ("team", "billing")), line(10), "billing", "SEV2", "night")
EVERYTHING = Route((), line(20), "portal")


# --- who wins ------------------------------------------------------------------------------------------------------


def test_the_first_route_that_matches_decides_service_level_and_escalation() -> None:
    found = routing.decide(block(BILLING, EVERYTHING), signal(labels=(("team", "billing"),)), DAY)
    assert (found.rule, found.service, found.level, found.escalation) == (BILLING, "billing", "SEV2", "night")
    assert found.why[0] == "ops.md:10 won: integration = prometheus, team = billing"


def test_every_route_says_why_it_was_passed_over_and_where_it_stands() -> None:
    wanted = signal(integration="uptime", labels=(("team", "billing"),))
    lines = [one.line for one in routing.trace(block(BILLING, EVERYTHING, BILLING), wanted, DAY)]
    assert lines == [
        "ops.md:10 passed over: integration is 'uptime', not 'prometheus'",
        "ops.md:20 won: it takes everything",
        "ops.md:10 not asked: ops.md:20 came first",
    ]


def test_a_label_that_the_signal_does_not_have_does_not_match() -> None:
    assert "there is no team" in routing.trace(block(BILLING), signal(), DAY)[0].why


@pytest.mark.parametrize(
    ("match", "said"),
    [
        (("service", "PORTAL"), {"service": "portal"}),
        (("severity", "Critical"), {"severity": "critical"}),
        (("title", "disk full"), {"title": "Disk full"}),
        (("service", "portal"), {"labels": (("service", "portal"),)}),
        (("region", "eu"), {"labels": (("region", "eu"),)}),
    ],
    ids=str,
)
def test_own_fields_match_without_case_and_labels_as_they_are(
    match: tuple[str, str], said: dict[str, object]
) -> None:
    assert routing.decide(block(Route((match,), line(1))), signal(**said), DAY).rule is not None


def test_a_label_of_another_case_is_another_label() -> None:
    policy = block(Route((("region", "eu"),), line(1)))
    assert routing.decide(policy, signal(labels=(("region", "EU"),)), DAY).rule is None


def test_a_sender_cannot_claim_to_be_another_integration_by_a_label() -> None:
    policy = block(Route((("integration", "trusted"),), line(1)))
    assert routing.decide(policy, signal(labels=(("integration", "trusted"),)), DAY).rule is None


# --- hours ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "inside"),
    [
        ("2026-01-20T06:59:59", False),  # 07:59 in Stockholm
        ("2026-01-20T07:00:00", True),
        ("2026-01-20T16:59:59", True),
        ("2026-01-20T17:00:00", False),
        ("2026-01-24T09:00:00", False),  # a Saturday
        ("2026-07-20T06:00:00", True),  # 08:00 in summer
    ],
)
def test_outside_its_hours_a_route_does_not_match(at: str, inside: bool) -> None:
    policy = block(Route((), line(5), escalation="night", hours=(DAYTIME,)))
    found = routing.decide(policy, signal(), datetime.fromisoformat(at).replace(tzinfo=UTC))
    assert (found.rule is not None) == inside
    expected = "within its hours" if inside else "outside its hours (08:00-18:00 mon, tue, wed, thu, fri"
    assert expected in found.why[0]


def test_hours_without_a_zone_are_those_of_the_handbook() -> None:
    bare = replace(DAYTIME, tz=None)
    context = acme()
    policy = replace(block(Route((), line(5), hours=(bare,))), rotations=context.rota.tables)
    at = datetime(2026, 1, 20, 7, 30, tzinfo=UTC)
    assert routing.decide(policy, signal(), at).rule is not None
    without = replace(policy, rotations=())
    assert routing.decide(without, signal(), at).rule is None  # then UTC


def test_hours_that_cannot_be_computed_are_said_and_the_route_is_passed_over() -> None:
    nowhere = replace(DAYTIME, tz="Europe/Atlantis")
    found = routing.decide(block(Route((), line(5), hours=(nowhere,))), signal(), DAY)
    assert found.rule is None
    assert "cannot be computed" in found.why[0]


# --- what follows --------------------------------------------------------------------------------------------------


def test_without_a_route_the_service_names_the_escalation_and_the_word_the_level() -> None:
    found = routing.decide(block(), signal(service="portal"), DAY)
    assert (found.service, found.level, found.escalation, found.named) == ("Portal", "SEV3", "platform", True)


def test_without_route_and_service_the_default_holds_and_nothing_is_recorded() -> None:
    found = routing.decide(block(), signal(), DAY)
    assert (found.rule, found.service, found.escalation, found.fact(DAY)) == (None, None, "default", None)
    bare = routing.decide(POLICY, signal(service="anything"), DAY)
    assert (bare.service, bare.escalation, bare.fact(DAY)) == ("anything", None, None)


def test_names_that_the_handbook_does_not_have_lead_no_call_into_nothing() -> None:
    odd = Route((), line(5), "gone", "SEV9", "gone too")
    found = routing.decide(block(odd), signal(service="portal"), DAY)
    assert (found.service, found.level, found.escalation) == ("gone", "SEV3", "default")
    assert "the policy has none of that name" in found.why[1]
    assert "which the handbook does not have" in found.why[2]
    assert "the handbook has no escalation gone too" in found.why[3]


def test_only_so_many_reasons_are_kept_with_an_incident_the_decisive_ones_among_them() -> None:
    misses = tuple(Route((("team", str(n)),), line(n)) for n in range(100))
    fact = routing.decide(block(*misses, EVERYTHING), signal(), DAY).fact(DAY)
    assert fact is not None
    assert len(fact.why) == routing.WHY_LIMIT + 1
    assert fact.why[0] == "84 more routes were passed over"
    assert any("won" in why for why in fact.why)


names = st.sampled_from(["", "portal", "billing", "x"])
routes = st.builds(
    Route,
    match=st.lists(st.tuples(st.sampled_from(["team", "service", "integration"]), names), max_size=2).map(
        tuple
    ),
    source=st.integers(1, 50).map(line),
    service=st.none() | names,
    sev=st.none() | st.sampled_from(["SEV1", "sev4", "nonsense"]),
    escalation=st.none() | st.sampled_from(["night", "nonsense"]),
    hours=st.sampled_from([(), (DAYTIME,)]),
)


@given(st.lists(routes, max_size=6), names, names, st.integers(0, 5 * 365 * 24 * 60))
def test_whatever_the_routes_say_something_that_exists_is_decided_and_explained(
    given_routes: list[Route], team: str, service: str, minutes: int
) -> None:
    policy, now = block(*given_routes), DAY + timedelta(minutes=minutes)
    wanted = signal(service=service or None, labels=(("team", team),))
    found, traced = routing.decide(policy, wanted, now), routing.trace(policy, wanted, now)
    assert policy.severity(found.level) is not None
    assert found.escalation is not None
    assert policy.escalation(found.escalation) is not None
    assert [one.route for one in traced] == given_routes
    winners = [one.route for one in traced if one.outcome == "won"]
    assert winners == ([found.rule] if found.rule else [])
    after = given_routes.index(found.rule) if found.rule in given_routes else len(given_routes)
    assert all(one.outcome == "passed" for one in traced[:after])


# --- an incident is opened with it ---------------------------------------------------------------------------------


def opened(policy: Policy, wanted: Signal) -> list[ev.Event]:
    return grouping.open_for(wanted, REF, "pinned", acme(policy), DAY)


def test_an_alert_opens_with_what_its_route_decided_and_says_why() -> None:
    events = opened(block(BILLING), signal(labels=(("team", "billing"),)))
    first, routed = events[0], events[1]
    assert isinstance(first, ev.Opened)
    assert (first.service, first.level, first.escalation) == ("billing", "SEV2", "night")
    assert isinstance(routed, ev.Routed)
    assert (routed.rule, routed.service, routed.level, routed.escalation) == (
        "ops.md:10",
        "billing",
        "SEV2",
        "night",
    )


def test_without_routes_nothing_is_said_of_routing() -> None:
    assert not [e for e in opened(POLICY, signal()) if isinstance(e, ev.Routed)]


def test_an_alert_that_a_route_made_milder_does_not_raise_it_by_firing_on() -> None:
    mild = Route((), line(5), sev="SEV3")
    told = Told(acme(block(mild)))
    told.alert("critical")
    assert told.state.level == "SEV3"
    assert told.alert("critical") == []
    assert told.state.level == "SEV3"


# --- what a person declares for a service --------------------------------------------------------------------------


def test_a_person_declares_for_a_service_and_its_escalation_holds() -> None:
    found = routing.declared(block(EVERYTHING), "portal", "it is down", "SEV1", DAY)
    assert (found.service, found.level, found.escalation, found.named) == ("Portal", "SEV1", "platform", True)


def test_a_route_for_the_service_holds_for_people_too_and_never_takes_their_level() -> None:
    night = Route((("service", "portal"),), line(5), "billing", "SEV4", "night")
    found = routing.declared(block(EVERYTHING, night), "portal", "it is down", "SEV1", DAY)
    assert (found.service, found.level, found.escalation) == ("Portal", "SEV1", "night")


def test_an_unknown_service_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(Refused) as refused:
        routing.declared(block(), "potral", "it is down", "SEV1", DAY)
    assert refused.value.possible == "did you mean Portal? known services: Portal, billing"


def test_without_services_any_name_will_do() -> None:
    assert routing.declared(POLICY, "the shop", "it is down", "SEV1", DAY).service == "the shop"
