"""What is read live when something is decided: people, schedules, the active handbook (design rule 15)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from tocsin.domain.context import Context
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.people import Directory
from tocsin.domain.policy import Policy, Rung, built_in_policy
from tocsin.domain.source import BUILT_IN
from tocsin.store.contract import Store

BUILT_IN_HASH = "built-in"


@dataclass(frozen=True, slots=True)
class Live:
    """One consistent picture; replaced as a whole when the handbook or the people change."""

    policy_hash: str
    policy: Policy
    directory: Directory
    rota: Rota = field(default_factory=Rota)
    warnings: tuple[str, ...] = ()


def nothing_known() -> Live:
    """Before any handbook was usable: the built-in policy and nobody."""
    return Live(BUILT_IN_HASH, built_in_policy(), Directory())


def _every_admin(directory: Directory) -> tuple[Rung, ...]:
    """Whom the built-in policy calls (design rule 15): it has no roster of its own."""
    admins = tuple(f"person:{handle}" for handle in directory.admins())
    return (Rung(0, admins, BUILT_IN),) if admins else ()


NO_CURSORS: Mapping[str, int] = MappingProxyType({})


class Contexts:
    """Contexts by pinned policy: the policy of the stream joined with whatever is live now."""

    def __init__(self, store: Store, live: Live) -> None:
        self._store = store
        self._pinned: dict[str, Policy] = {BUILT_IN_HASH: built_in_policy()}
        self.live = live

    def active(self, cursors: Mapping[str, int] = NO_CURSORS) -> tuple[str, Context]:
        """For a stream that is about to open: the policy's hash with the context, from one and the same picture."""
        live = self.live
        return live.policy_hash, _context(live.policy_hash, live.policy, live, cursors)

    def pinned(self, policy_hash: str, cursors: Mapping[str, int] = NO_CURSORS) -> Context:
        """For a stream that pinned that policy. Raises LookupError when the store has lost it."""
        policy = self._pinned.get(policy_hash)
        if policy is None:
            stored = self._store.policy(policy_hash)
            if stored is None:
                raise LookupError(f"pinned policy {policy_hash} is not in the database")
            policy = self._pinned[policy_hash] = stored.policy
        return _context(policy_hash, policy, self.live, cursors)


def _context(policy_hash: str, policy: Policy, live: Live, cursors: Mapping[str, int]) -> Context:
    if policy_hash == BUILT_IN_HASH:
        policy = replace(policy, ladder=_every_admin(live.directory))
    return Context(policy, live.directory, live.rota, live.warnings, cursors)
