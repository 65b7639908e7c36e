"""One case asked of both: the final schedule, its gaps, and single minutes, also those beside every boundary."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from oncall_reference.cases import Case
from oncall_reference.resolver import Reference
from oncall_reference.smaller import smallest
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.schedules import Interval

MINUTE = timedelta(minutes=1)
Named = tuple[tuple[datetime, datetime, tuple[str, ...]], ...]


def rota_of(case: Case) -> Rota:
    return Rota([case.schedule], members=case.members)


def named(intervals: tuple[Interval, ...]) -> Named:
    """As sets: the order of people within an interval is compared minute by minute."""
    return tuple((entry.start, entry.end, tuple(sorted(entry.people))) for entry in intervals)


def moments(case: Case, intervals: tuple[Interval, ...]) -> list[datetime]:
    """Every boundary, a minute before and after it, and twenty minutes by chance; none outside of the range."""
    random = Random(case.seed)
    length = (case.end - case.start) // MINUTE
    found = {case.start + random.randrange(length) * MINUTE for _ in range(20)}
    for interval in intervals:
        found |= {interval.start - MINUTE, interval.start, interval.start + MINUTE}
    return sorted(at for at in found if case.start <= at < case.end)


def disagreement(case: Case) -> tuple[str, int]:
    """What differs (empty: nothing), and how many single minutes were compared."""
    reference = Reference(case.schedule, case.members)
    rota = rota_of(case)
    name = case.schedule.name
    if rota.invalid:
        return f"invalid: {rota.invalid}", 0
    expected = reference.final(case.start, case.end)
    points = moments(case, expected)
    for at in points:  # before the timeline is asked for, so that these are questions about a point
        if (said := rota.who(name, at)) != (wanted := reference.who(at)):
            return f"who at {at:%Y-%m-%dT%H:%MZ}: {said}, by the rules {wanted}", len(points)
    if (rendered := named(rota.final(name, case.start, case.end))) != named(expected):
        return f"final: {differing(rendered, named(expected))}", len(points)
    if (found := named(rota.gaps(name, case.start, case.end))) != named(
        gaps := reference.gaps(case.start, case.end)
    ):
        return f"gaps: {differing(found, named(gaps))}", len(points)
    if sum(layer.role == "shadow" for layer in case.schedule.layers) == 1:
        for at in points:
            if (said := rota.shadows(name, at)) != (wanted := reference.shadows(at)):
                return f"shadows at {at:%Y-%m-%dT%H:%MZ}: {said}, by the rules {wanted}", len(points)
    return "", len(points)


def differing(found: Named, wanted: Named) -> str:
    ours, theirs = (sorted(set(one) - set(other))[:3] for one, other in ((found, wanted), (wanted, found)))
    return f"only in tocsin {ours}, only by the rules {theirs}"


def agrees(case: Case) -> None:
    """Fails with the smallest case that still disagrees in the same kind of answer."""
    kind = disagreement(case)[0].partition(" ")[0]
    if not kind:
        return
    least = smallest(case, lambda less: disagreement(less)[0].partition(" ")[0] == kind)
    raise AssertionError(f"seed {case.seed}: {disagreement(least)[0]}\n{shown(least)}")


def shown(case: Case) -> str:
    used = repr(case.schedule)
    kept = tuple(member for member in case.members if f"'{member.handle}'" in used)
    return repr(replace(case, members=kept)).replace("datetime.datetime", "datetime")
