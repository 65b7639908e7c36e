"""What a sender says: the signal as it came in, before anything is decided about it.

Here: `Signal`, and the handbook's level for a sender's own word. Not here: where it goes (`routing`), which incident it
joins (`grouping`).
"""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.domain.policy import Policy

LEVEL_BY_WORD = {
    **dict.fromkeys(("critical", "fatal", "emergency", "p0", "p1", "sev0", "sev1"), 1),
    **dict.fromkeys(("error", "high", "p2", "sev2"), 2),
    **dict.fromkeys(("warning", "warn", "p3", "sev3"), 3),
    **dict.fromkeys(("info", "low", "p4", "p5", "sev4"), 4),
}
UNKNOWN_WORD_RANK = 2
"""An unknown word counts as the second highest level: in doubt rather called than not."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What a sender said: `severity` in its own word, `group` what belongs together (default: the dedup key).

    `labels` are (name, value) pairs as the sender gave them; routes match on them.
    """

    integration: str
    dedup_key: str
    title: str
    severity: str
    firing: bool = True
    group: str | None = None
    service: str | None = None
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def claim(self) -> str:
        """The unique row that says which incident these alerts belong to."""
        return f"{self.integration}/{self.group or self.dedup_key}"

    @property
    def identity(self) -> str:
        """What the sender keeps firing."""
        return f"{self.integration}/{self.dedup_key}"


def said_level(signal: Signal, policy: Policy) -> str:
    """The handbook's level for the sender's severity word: by rank, unknown words count as the second highest."""
    rank = LEVEL_BY_WORD.get(signal.severity.casefold(), UNKNOWN_WORD_RANK)
    ranked = [s for s in policy.severities if s.rank >= rank]
    return (ranked[0] if ranked else policy.severities[-1]).level
