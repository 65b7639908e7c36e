"""How carrying something out can fail: the one error type of channels, documents and whatever else leads outside.

Whoever sends tells failures in three words; what follows from them is decided in one place, the courier (rule 13).
"""

from __future__ import annotations

from enum import StrEnum


class Failure(StrEnum):
    """What may be done about something that was not carried out."""

    PERMANENT = "permanent"
    """Trying again cannot help: wrong address, refused for good."""
    RETRY = "retry"
    """It was certainly not carried out; later it may work."""
    IN_DOUBT = "in_doubt"
    """It may have been carried out: the other side took the bytes and never answered."""


class Undelivered(Exception):
    """It was not carried out, or nobody can say. `reason` is one clean line for people and never holds a secret.

    `after`: seconds that the other side asked to wait. `path`: the file that could not be written. `channel`: it would
    fail for everybody (settings, sign-in), and says nothing of the address.
    """

    def __init__(
        self,
        kind: Failure,
        reason: str,
        after: float | None = None,
        *,
        path: str = "",
        channel: bool = False,
    ) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.after = after
        self.path = path
        self.channel = channel


def permanent(reason: str, *, channel: bool = False) -> Undelivered:
    """Trying again cannot help. `channel`: nor can another address."""
    return Undelivered(Failure.PERMANENT, reason, channel=channel)


def retry(reason: str, after: float | None = None) -> Undelivered:
    """Not carried out; try again, not before `after` seconds."""
    return Undelivered(Failure.RETRY, reason, after)


def in_doubt(reason: str) -> Undelivered:
    """Perhaps carried out."""
    return Undelivered(Failure.IN_DOUBT, reason)
