"""What carrying a page tells of the method it used (docs/reference/oncall.md N10): kept with the page's settlement."""

from __future__ import annotations

from datetime import datetime

from tocsin.domain.delivery import Failure, Undelivered
from tocsin.domain.effects import NOWHERE_LANE, SIREN_LANE, Send
from tocsin.domain.people import Directory
from tocsin.engine.ports import Carried
from tocsin.store.contract import Health

NO_METHODS = frozenset({NOWHERE_LANE, SIREN_LANE})


def health_of(
    send: Send, outcome: Carried | Undelivered, directory: Directory, at: datetime, *, test: bool = False
) -> tuple[Health, ...]:
    """Nothing for what is no page, and for a failure where the person has no such method any more.

    A `test` page may have gone where nothing else goes: to an address that was switched off.

    What would fail for everybody is held against no address: it is alarmed about as the channel's, and is over with it.
    """
    if send.page is None or send.lane in NO_METHODS:
        return ()
    methods = directory.to_try(send.person) if test else directory.methods_of(send.person)
    address = next((method.address for method in methods if method.channel == send.lane), None)
    if isinstance(outcome, Carried):
        return (Health(send.person, send.lane, at, ok=True, address=address or ""),)
    if address is None:
        return ()
    permanent = outcome.kind is Failure.PERMANENT and not outcome.channel
    return (Health(send.person, send.lane, at, False, permanent, outcome.reason, address),)
