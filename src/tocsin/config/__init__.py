"""tocsin.toml and the environment: read once, handed on as frozen dataclasses. Policy stands in the handbook."""

from tocsin.config.read import ENVIRONMENT, FILE_NAME, ClientEnvironment, client_environment, load
from tocsin.config.values import (
    CHANNELS,
    TRACKERS,
    AppriseSettings,
    ChannelSettings,
    ConfigError,
    ConsoleSettings,
    Database,
    EmailSettings,
    GitHubSettings,
    Handbook,
    NtfySettings,
    People,
    Secret,
    Server,
    WebhookSettings,
)
from tocsin.config.watching import Heartbeat, SelfAlarm, Synthetic, Watch
from tocsin.config.whole import Settings, reference

__all__ = [
    "CHANNELS",
    "ENVIRONMENT",
    "FILE_NAME",
    "TRACKERS",
    "AppriseSettings",
    "ChannelSettings",
    "ClientEnvironment",
    "ConfigError",
    "ConsoleSettings",
    "Database",
    "EmailSettings",
    "GitHubSettings",
    "Handbook",
    "Heartbeat",
    "NtfySettings",
    "People",
    "Secret",
    "SelfAlarm",
    "Server",
    "Settings",
    "Synthetic",
    "Watch",
    "WebhookSettings",
    "client_environment",
    "load",
    "reference",
]
