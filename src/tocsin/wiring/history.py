"""Who was on call according to what was known at some instant (docs/reference/oncall.md V1).

Handbooks and adjustments are never forgotten. People who were added at run time are taken as they are now.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tocsin.domain.oncall.rota import Rota
from tocsin.domain.people import Person
from tocsin.store.contract import Store
from tocsin.wiring.people import directory, rota_of
from tocsin.wiring.picture import by_schedule


def rota_as_known(store: Store, as_of: datetime, known: Iterable[Person] | None = None) -> Rota:
    """The rota as it was known at `as_of`: the handbook active then, with the adjustments made and not ended by then.

    Raises LookupError when no handbook was active yet.
    """
    active = [activation for activation in store.activations() if activation.at <= as_of]
    stored = store.policy(active[-1].hash) if active else None
    if stored is None:
        raise LookupError(f"no handbook was active on {as_of:%Y-%m-%d at %H:%M} UTC")
    people = directory(stored.policy, store.people() if known is None else known, {}, ())
    return rota_of(stored.policy, people, by_schedule(store.adjustments(as_of=as_of)))


def who(store: Store, schedule: str, at: datetime, as_of: datetime) -> tuple[str, ...]:
    """Who was on call at `at`, as it was known at `as_of`.

    Raises LookupError for a schedule that was not known, or when no handbook was.
    """
    return rota_as_known(store, as_of).who(schedule, at)
