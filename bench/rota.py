"""Who is on call: one question cold and warm, and a year of many schedules, beside the resolver of the tests."""

from __future__ import annotations

import gc
import importlib
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from bench.places import ROOT
from bench.table import Line, median, ms, percentile
from tocsin.domain.oncall import wall, windows
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.schedules import (
    Adjustment,
    Holidays,
    Layer,
    Member,
    Restriction,
    Rotation,
    Schedule,
)

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Africa/Casablanca",
)
WORKDAYS = (0, 1, 2, 3, 4)
START = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
USERS, SCHEDULES, SAMPLE = 1000, 200, 4
AIM_WARM_S, AIM_COLD_S, AIM_ONE_S, AIM_ALL_S = 0.001, 0.020, 0.050, 2.0


def lines(*, quick: bool) -> Iterator[Line]:
    """`quick`: fewer schedules, no aims judged."""
    many = SCHEDULES // 10 if quick else SCHEDULES
    schedules, members = world(many)
    sample = schedules[: 1 if quick else SAMPLE]
    print(f"rota: {many} schedules of three layers, {len(members)} people", flush=True)
    floor_who, floor_year = _floor(sample, members)
    yield from _questions(schedules, members, floor_who, quick=quick)
    yield from _year(schedules, members, floor_year, quick=quick)


def world(many: int) -> tuple[list[Schedule], list[Member]]:
    """The same for the same number: everybody in several schedules, some overrides in each."""
    random = Random(20260101)
    people = [Member(f"user{n}", ZONES[n % len(ZONES)]) for n in range(USERS * many // SCHEDULES)]
    return [_schedule(number, random, people) for number in range(many)], people


def _schedule(number: int, random: Random, people: list[Member]) -> Schedule:
    tz = ZONES[number % len(ZONES)]
    days = tuple(f"2026-{month:02}-{day:02}" for month, day in ((1, 1), (4, 3), (5, 1), (12, 25), (12, 26)))
    slots = [tuple((random.choice(people).handle,) for _ in range(5)) for _ in range(3)]
    layers = (
        Layer("base", 0, tz, rotation=Rotation("2025-12-01T09:00", "week", slots[0])),
        Layer(
            "nights",
            1,
            tz,
            rotation=Rotation("2025-12-01T12:00", "week", slots[1]),
            restrictions=(Restriction("daily", "18:00", "08:00"),),
        ),
        Layer(
            "office",
            2,
            tz,
            rotation=Rotation("2025-12-01T08:00", "day", slots[2], advance="active"),
            restrictions=(Restriction("daily", "09:00", "17:00", WORKDAYS),),
            holidays=Holidays("off", days),
        ),
    )
    return Schedule(f"schedule{number}", tz, layers, tuple(_adjustments(random, people)))


def _adjustments(random: Random, people: list[Member]) -> Iterator[Adjustment]:
    for seq in range(12):
        begins = START + timedelta(hours=random.randrange(365 * 24))
        one, other = (random.choice(people).handle for _ in range(2))
        ends = begins + timedelta(hours=random.randrange(4, 100))
        if seq % 3:
            yield Adjustment(seq, "set", begins, ends, users=(one,))
        else:
            yield Adjustment(seq, "replace", begins, ends, remove=one, add=other)


def _floor(sample: list[Schedule], members: list[Member]) -> tuple[float, float]:
    """Processor seconds of one question, and of a year of one schedule, as the resolver of the tests needs them."""
    sys.path.append(str(ROOT / "tests"))
    reference = importlib.import_module("oncall_reference.resolver").Reference
    asked, years = [], []
    for schedule in sample:
        slow = reference(schedule, members)
        began = time.process_time()
        slow.who(START + timedelta(days=100))
        asked.append(time.process_time() - began)
        began = time.process_time()
        slow.final(START, START + YEAR)
        years.append(time.process_time() - began)
        print(f"rota: a year of {schedule.name} by the tests' resolver: {ms(years[-1])}", flush=True)
    return median(asked), median(years)


def _questions(
    schedules: list[Schedule], members: list[Member], floor: float, *, quick: bool
) -> Iterator[Line]:
    random = Random(7)
    cold = []
    for schedule in schedules:
        wall.zone.cache_clear()
        windows.spans_of.cache_clear()
        at = START + timedelta(minutes=random.randrange(365 * 1440))
        began = time.perf_counter()
        Rota([schedule], members=members).who(schedule.name, at)
        cold.append(time.perf_counter() - began)
    rota = Rota(schedules, members=members)
    for schedule in schedules:
        rota.who(schedule.name, START)
    warm = []
    for _ in range(2_000 if quick else 50_000):
        name = random.choice(schedules).name
        at = START + timedelta(minutes=random.randrange(365 * 1440))
        began = time.perf_counter()
        rota.who(name, at)
        warm.append(time.perf_counter() - began)
    for what, took, aim in (("cold", cold, AIM_COLD_S), ("warm", warm, AIM_WARM_S)):
        p99 = percentile(took, 0.99)
        yield Line(
            f"Who is on call, any minute of a year, {what}, p99",
            f"{p99 * 1000:.3f} ms",
            f"{floor * 1000:.1f} ms" if what == "warm" else "",
            f"x {p99 / floor:.4f}" if what == "warm" else "",
            "" if quick else f"< {aim * 1000:.0f} ms",
            None if quick else p99 < aim,
        )


def _year(schedules: list[Schedule], members: list[Member], floor: float, *, quick: bool) -> Iterator[Line]:
    single = []
    for schedule in schedules:
        one = Rota([schedule], members=members)
        since = time.process_time()
        one.final(schedule.name, START, START + YEAR)
        single.append(time.process_time() - since)
    rota = Rota(schedules, members=members)
    gc.collect()
    began = time.process_time()
    found = sum(len(rota.final(schedule.name, START, START + YEAR)) for schedule in schedules)
    took = time.process_time() - began
    print(f"rota: {found} intervals; then everybody's own", flush=True)
    began = time.process_time()
    rota.when("user0", START, START + YEAR)
    everybody = time.process_time() - began
    yield Line(
        "A year of one schedule of three layers, processor time, p99",
        ms(percentile(single, 0.99)),
        ms(floor),
        f"x {percentile(single, 0.99) / floor:.3f}",
        "" if quick else f"< {ms(AIM_ONE_S)}",
        None if quick else percentile(single, 0.99) < AIM_ONE_S,
    )
    yield Line(
        f"A year of {len(schedules)} schedules, {len(members)} people, {found:,} intervals, processor time",
        ms(took),
        f"{ms(floor * len(schedules))} (from {1 if quick else SAMPLE} of them)",
        f"x {took / floor / len(schedules):.3f}",
        "" if quick else f"< {ms(AIM_ALL_S)}",
        None if quick else took < AIM_ALL_S,
    )
    yield Line(
        f"When each of the {len(members)} people is on call, out of that year, processor time", ms(everybody)
    )
