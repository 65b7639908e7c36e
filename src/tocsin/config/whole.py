"""Everything that can be configured, as one value; and a list of it with what each setting means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tocsin.config.values import (
    CHANNELS,
    TRACKERS,
    ChannelSettings,
    Database,
    Handbook,
    People,
    Server,
    TrackerSettings,
    key_of,
    settings_of,
)
from tocsin.config.watching import WATCHING, Heartbeat, SelfAlarm, Synthetic, Watch


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that was configured. Relative paths are resolved against `root`."""

    root: Path
    """The folder of tocsin.toml; without one, the folder the search began in."""
    file: Path | None = None
    server: Server = field(default_factory=Server)
    people: People = field(default_factory=People)
    database: Database = field(default_factory=Database)
    handbook: Handbook = field(default_factory=Handbook)
    channels: dict[str, ChannelSettings] = field(default_factory=dict)
    ticket: TrackerSettings | None = None
    self_alarm: SelfAlarm | None = None
    heartbeat: Heartbeat | None = None
    watch: Watch | None = None
    synthetic: Synthetic | None = None
    literal_secrets: tuple[str, ...] = ()
    """Keys where a secret stands in the file itself: a finding of `tocsin check`."""
    missing_secrets: tuple[str, ...] = ()
    """Keys whose secret is not there; empty unless `load` was told that it may be missing."""

    @property
    def var(self) -> Path:
        """The folder of what the running program writes: database, spool, server.json."""
        return self.root / "var"


def reference() -> Iterator[tuple[str, str]]:
    """Every setting by its key path (`server.url`, `channel.<name>.url`) with what it means."""
    sections: list[tuple[str, type[Any]]] = [
        ("server", Server),
        ("people", People),
        ("database", Database),
        ("handbook", Handbook),
        *((f'ticket (kind = "{kind}")', cls) for kind, cls in TRACKERS.items()),
        *WATCHING.items(),
        *((f'channel.<name> (kind = "{kind}")', cls) for kind, cls in CHANNELS.items()),
    ]
    for section, cls in sections:
        for f in settings_of(cls):
            yield f"{section}.{key_of(f)}", f.metadata["doc"]
