"""What can be configured about tocsin watching itself, another tocsin, and being watched: frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Any, Final

from tocsin.config.values import Secret, about

LOOPBACK = about("whether the address may lie on this machine")


@dataclass(frozen=True, slots=True)
class SelfAlarm:
    """[self_alarm]: who is told that tocsin itself is in trouble, by ways that share nothing with the channels."""

    url: str | None = field(
        default=None,
        metadata=about(
            "mail server, another than the channels use: smtp://host:port, smtp://host:port?tls=starttls or "
            "smtps://host:port",
            link="smtp smtps",
        ),
    )
    sender: str | None = field(
        default=None, metadata=about("address, or name <address>, that its mails come from", key="from")
    )
    to: tuple[str, ...] = field(
        default=(), metadata=about("addresses of who is told, fixed", items="addresses")
    )
    user: Secret | None = field(default=None, metadata=about("user name at the mail server", literal=True))
    password: Secret | None = field(default=None, metadata=about("password at the mail server"))
    webhook: Secret | None = field(
        default=None,
        metadata=about(
            "address that receives a POST with JSON, http or https; the address of an ntfy topic works",
            link="http https",
        ),
    )
    allow_loopback: bool = field(default=False, metadata=LOOPBACK)
    hook: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "program and arguments, started without a shell; the words on its input", items="words"
        ),
    )


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """[heartbeat]: a sign of life to a dead man's switch somewhere else."""

    url: Secret = field(
        metadata=about("address that is called with GET while all is well", literal=True, link="http https")
    )
    every: timedelta = field(
        default=timedelta(seconds=60),
        metadata=about("how often, 10s to 1h: shorter than the other side waits"),
    )
    allow_loopback: bool = field(default=False, metadata=LOOPBACK)


@dataclass(frozen=True, slots=True)
class Watch:
    """[watch]: another tocsin, or a sentinel, that is watched from here."""

    url: str = field(metadata=about("address of the other one, as people reach it", link="http https"))
    after: timedelta = field(
        default=timedelta(seconds=45),
        metadata=about("how long it may not be ready before somebody is told, 10s to 1h"),
    )
    alarmz_after: timedelta = field(
        default=timedelta(minutes=10),
        metadata=about("how long it may be alarmed before somebody is told, 10s to 24h"),
    )
    allow_loopback: bool = field(default=False, metadata=LOOPBACK)


@dataclass(frozen=True, slots=True)
class Synthetic:
    """[synthetic]: a test page every day, all the way to a provider."""

    person: str = field(metadata=about("handle of who gets it, by the ways of high urgency"))
    at: time = field(default=time(9, 10), metadata=about("when, hh:mm"))
    tz: str = field(default="UTC", metadata=about("zone of that time, as in Europe/Berlin"))


WATCHING: Final[dict[str, type[Any]]] = {
    "self_alarm": SelfAlarm,
    "heartbeat": Heartbeat,
    "watch": Watch,
    "synthetic": Synthetic,
}

SHORTEST: Final = timedelta(seconds=10)
LONGEST: Final[dict[str, timedelta]] = {
    "heartbeat.every": timedelta(hours=1),
    "watch.after": timedelta(hours=1),
    "watch.alarmz_after": timedelta(hours=24),
}
