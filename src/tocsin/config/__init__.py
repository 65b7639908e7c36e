"""tocsin.toml and the environment: read once, handed on as frozen dataclasses. Policy stands in the handbook."""

from tocsin.config.read import ENVIRONMENT, FILE_NAME, ClientEnvironment, client_environment, load
from tocsin.config.values import (
    CHANNELS,
    TRACKERS,
    ChannelSettings,
    ConfigError,
    ConsoleSettings,
    Database,
    EmailSettings,
    GitHubSettings,
    Handbook,
    People,
    Secret,
    Server,
    Settings,
    WebhookSettings,
    reference,
)

__all__ = [
    "CHANNELS",
    "ENVIRONMENT",
    "FILE_NAME",
    "TRACKERS",
    "ChannelSettings",
    "ClientEnvironment",
    "ConfigError",
    "ConsoleSettings",
    "Database",
    "EmailSettings",
    "GitHubSettings",
    "Handbook",
    "People",
    "Secret",
    "Server",
    "Settings",
    "WebhookSettings",
    "client_environment",
    "load",
    "reference",
]
