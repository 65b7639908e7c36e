"""How it is: alive, ready, alarmed; and the same in numbers for Prometheus (design rule 29)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from tocsin import __version__
from tocsin.domain.readiness import RULES, PersonReadiness, Readiness
from tocsin.engine.numbers import PREFIXES
from tocsin.store.contract import StoreUnavailable
from tocsin.web.auth import program_of
from tocsin.web.judged import Judged
from tocsin.web.problems import unavailable
from tocsin.web.views import json_response
from tocsin.wiring.program import Program
from tocsin.wiring.synthetic import read_record

COUNTED: Final = 10_000
"""Rows looked at for a gauge; older pages and effects are not counted."""
TEST_PAGE: Final = f"{PREFIXES['test']}-"
EFFECT_STATES: Final = ("waiting", "leased", "failed")


def healthz(_: Request) -> Response:
    """The process answers."""
    return json_response({"status": "ok", "version": __version__})


def readyz(request: Request) -> Response:
    """Whether this node may get work; 503 with the reasons when not. The age of the tick is there for a sentinel."""
    engine = program_of(request).engine
    age = max(0.0, round((engine.clock.now() - engine.ticker.last_tick).total_seconds(), 1))
    return _judged(engine.not_ready(), "ready", "not ready", **({"tick_age_s": age} if engine.runs else {}))


def alarmz(request: Request) -> Response:
    """Whether somebody must look at something; 503 with the reasons when so."""
    return _judged([*program_of(request).engine.alarmed(), *_unreachable(request)], "quiet", "alarmed")


def _unreachable(request: Request) -> list[str]:
    """Who is missing at this moment, by the judgement of readiness; that the database is gone is said elsewhere."""
    judged: Judged = request.app.state.judged
    try:
        return list(judged.recent().alarms)
    except StoreUnavailable:
        return []


def _judged(reasons: list[str], well: str, ill: str, **more: float) -> Response:
    shape = {"status": ill if reasons else well, "reasons": reasons, **more}
    return json_response(shape, 503 if reasons else 200)


def metrics(request: Request) -> Response:
    """Numbers for Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    try:
        judged: Judged = request.app.state.judged
        registry.register(Readings(program_of(request), judged))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
    except StoreUnavailable as down:
        raise unavailable(down) from down


class Readings:
    """Gauges, read when they are asked for."""

    def __init__(self, program: Program, judged: Judged) -> None:
        self._families = [
            _gauge("tocsin_info", "version that runs", [((__version__,), 1.0)], "version"),
            *_work(program),
            *_running(program),
            *_readiness(judged.recent()),
            *_synthetic(program),
        ]

    def collect(self) -> Iterable[Metric]:
        """What Prometheus asks a collector."""
        return self._families


def _gauge(name: str, words: str, values: Iterable[tuple[tuple[str, ...], float]], *labels: str) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family


def _counted(found: Iterable[tuple[str, ...]]) -> Iterable[tuple[tuple[str, ...], float]]:
    return [(labels, float(count)) for labels, count in sorted(Counter(found).items())]


def _work(program: Program) -> list[Metric]:
    store = program.store
    rows = store.incidents(stage="open", level=None, q=None, before=None, limit=COUNTED, tests=False)
    effects: list[Any] = [e for s in EFFECT_STATES for e in store.effects(None, state=s, limit=COUNTED)]
    pages = [p for p in store.pages(None, limit=COUNTED) if not p.ref.startswith(TEST_PAGE)]
    return [
        _gauge(
            "tocsin_open_incidents",
            "incidents that run, without drills and test pages",
            _counted((r.level, r.stage) for r in rows if not r.drill),
            "level",
            "stage",
        ),
        _gauge(
            "tocsin_effects",
            "effects not carried out",
            _counted((e.lane, e.state) for e in effects),
            "lane",
            "state",
        ),
        _gauge(
            "tocsin_pages",
            "pages by outcome, without test pages",
            _counted((p.outcome or "open",) for p in pages),
            "outcome",
        ),
        _gauge("tocsin_alarms", "alarms that stand", [((), float(len(store.alarms())))]),
    ]


def _readiness(found: Readiness) -> list[Metric]:
    """What will hurt, who is reached, how long nobody is on call within the next 30 days."""
    missing: dict[str, float] = dict.fromkeys(found.schedules, 0.0)
    for gap in found.gaps:
        missing[gap.schedule] += (gap.end - gap.start).total_seconds()
    ready = [((p.handle, u), float(is_so)) for p in found.people for u, is_so in _ready_for(p)]
    rules = Counter(f.rule for f in found.findings if f.level != "info")
    return [
        _gauge(
            "tocsin_readiness_findings",
            "what will hurt: errors and warnings",
            [((rule,), float(rules[rule])) for rule in RULES],
            "rule",
        ),
        _gauge("tocsin_person_ready", "1 when a page reaches the person", ready, "person", "urgency"),
        _gauge(
            "tocsin_schedule_gap_seconds",
            "without anybody on call, in the next 30 days",
            [((name,), seconds) for name, seconds in missing.items()],
            "schedule",
        ),
    ]


def _ready_for(person: PersonReadiness) -> tuple[tuple[str, bool], ...]:
    return ("high", person.ready_high), ("low", person.ready_low)


def _synthetic(program: Program) -> list[Metric]:
    """The daily test page, once a provider took one."""
    found = read_record(program.store)
    if found is None or found.ok_at is None or found.seconds is None:
        return []
    return [
        _gauge(
            "tocsin_synthetic_page_seconds",
            "from the opening of the last daily test page until a provider took it",
            [((), found.seconds)],
        ),
        _gauge(
            "tocsin_synthetic_last_ok_timestamp",
            "when a provider last took a daily test page",
            [((), found.ok_at.timestamp())],
        ),
    ]


def _running(program: Program) -> list[Metric]:
    engine = program.engine
    age = (engine.clock.now() - engine.ticker.last_tick).total_seconds()
    return [
        _gauge("tocsin_tick_age_seconds", "since the ticker last looked", [((), age)]),
        _gauge("tocsin_desk_waiting", "commands waiting to be decided", [((), float(engine.desk.waiting))]),
        _gauge("tocsin_ready", "1 when this node may get work", [((), float(not engine.not_ready()))]),
        _gauge("tocsin_held", "1 while nothing is sent", [((), float(engine.held() is not None))]),
    ]
