"""What a channel promises: `send` returns a Receipt or raises Undelivered, and nothing else.

The courier awaits `send` for at most `TIME_LIMIT_S` seconds and reads only the kind of a failure, so that what to do
next is decided in one place. Receiving comes with the channels that people can answer on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

TIME_LIMIT_S = 10.0
"""Seconds after which the courier gives up on a send."""

OWN_LIMIT_S = 9.0
"""Seconds after which a channel gives up by itself: early enough to say whether the message may have gone out."""


@dataclass(frozen=True, slots=True)
class Message:
    """Words for one person. Addresses, text and links (which carry one-time tokens) stay out of its repr."""

    key: str
    """Idempotency key (epoch/ref/version/n): the same on every try, so that a second arrival can be recognised."""
    to: str = field(repr=False)
    """The address on this channel."""
    person: str
    """The handle of whom it is for."""
    subject: str = field(repr=False)
    text: str = field(repr=False)
    """The plain body, lines separated by newlines."""
    ref: str
    """The incident's reference, also in the text, so that a page that comes twice is recognised (oncall.md N12)."""
    about: str
    """Which wording it is: `page`, `update-reminder`, `handover` ... (domain.effects)."""
    sent_at: datetime
    """When it was written, aware; a channel never asks a clock for it."""
    urgent: bool = False
    thread: str = ""
    """What belongs together shares it; empty: `ref`."""
    links: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """(label, address) pairs, most important first; only http, https and mailto addresses are passed on."""

    @property
    def thread_id(self) -> str:
        """`thread`, or the reference where none was given."""
        return self.thread or self.ref


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider took it. That is `accepted`, not delivered and not read (oncall.md N6)."""

    detail: str
    """One clean line: what the other side answered."""


class Channel(Protocol):
    """A way to reach people. Safe to call from several tasks of one loop at once."""

    @property
    def kind(self) -> str:
        """The `kind` of tocsin.toml."""
        ...

    async def send(self, message: Message) -> Receipt:
        """Carry one message. Raises Undelivered; a cancelled send leaves no connection behind."""
        ...

    async def aclose(self) -> None:
        """Give back what is held open. The channel is not used afterwards."""
        ...
