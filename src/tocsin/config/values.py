"""What can be configured: frozen dataclasses, each setting with what it means; secrets; the error of one that is unfit.

Read from the file and the environment by `read`. Policy is not configured here: it stands in the handbook.
"""

from __future__ import annotations

import hmac
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Final


class ConfigError(Exception):
    """A setting that cannot be used: where it stands, what is wrong, how to repair it."""

    def __init__(self, file: Path | None, key: str, message: str, repair: str = "") -> None:
        self.file = file
        self.key = key
        self.message = message
        self.repair = repair
        where = ": ".join(filter(None, (str(file) if file else "", key)))
        super().__init__(f"{where}: {message}" + (f"; {repair}" if repair else ""))


class Secret:
    """A value that is shown to nobody by accident: neither its repr, its text nor a pickle holds it."""

    __slots__ = ("_value", "source")

    def __init__(self, value: str | None, source: str = "literal") -> None:
        self._value = value
        self.source = source
        """Where it comes from: `literal`, `env NAME` or `file PATH`."""

    def reveal(self) -> str:
        """The value itself. Raises ConfigError where it was allowed to be missing and is."""
        if self._value is None:
            raise ConfigError(None, "", f"the secret from {self.source} is missing", "set it")
        return self._value

    def __bool__(self) -> bool:
        return self._value is not None

    def __repr__(self) -> str:
        return f"Secret(*** from {self.source})"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret) or self._value is None or other._value is None:
            return self is other
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


def about(
    doc: str, *, key: str | None = None, literal: bool = False, link: str = "", items: str = "handles"
) -> dict[str, Any]:
    """What is known of a setting beside its type. `key`: its name in the file, where that is no Python name.

    `literal`: a Secret that may stand in the file, unless it is an address that holds a password. `link`: the
    schemes that the address may have, separated by spaces. `items`: what a list holds: `handles`, `addresses` (of
    e-mail) or `words`.
    """
    return {"doc": doc, "key": key, "literal": literal, "link": link, "items": items}


@dataclass(frozen=True, slots=True)
class Server:
    """[server]"""

    url: str | None = field(
        default=None,
        metadata=about(
            "address that links are built from, as people reach it; default: http://host:port",
            link="http https",
        ),
    )
    host: str = field(
        default="127.0.0.1",
        metadata=about("address to listen on; anything but a loopback address opens tocsin to a network"),
    )
    port: int = field(default=8080, metadata=about("port to listen on, 1 to 65535"))

    @property
    def base_url(self) -> str:
        """What links begin with; no slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.url or f"http://{host}:{self.port}").rstrip("/")


@dataclass(frozen=True, slots=True)
class People:
    """[people]"""

    admins: tuple[str, ...] = field(
        default=(), metadata=about("handles of the administrators, as in the handbook's roster")
    )


@dataclass(frozen=True, slots=True)
class Database:
    """[database]"""

    url: Secret = field(
        default=Secret("sqlite:///var/tocsin.db", "default"),
        metadata=about(
            "sqlite:///file or postgresql://user@host/name; with a password only as { env = ... } or { file = ... }",
            literal=True,
            link="sqlite postgresql postgres",
        ),
    )


@dataclass(frozen=True, slots=True)
class Handbook:
    """[handbook]"""

    path: Path = field(
        default=Path("docs/ops"), metadata=about("folder of the Markdown files, inside a git work tree")
    )
    commit: bool = field(
        default=False,
        metadata=about("whether tocsin commits its own rows, drafts and card, and nothing else"),
    )
    push: bool = field(
        default=False,
        metadata=about("whether its commits are pushed to the branch that is followed; needs commit"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubSettings:
    """[ticket] of kind github: an issue for each declared incident."""

    kind: ClassVar[str] = "github"
    repository: str = field(metadata=about("owner/name of the repository whose issues are the tickets"))
    token: Secret = field(metadata=about("token that may write issues there"))
    url: str = field(
        default="https://api.github.com",
        metadata=about(
            "address of the API; of GitHub Enterprise Server: https://host/api/v3", link="https http"
        ),
    )
    allow_loopback: bool = field(default=False, metadata=about("whether the address may lie on this machine"))


TrackerSettings = GitHubSettings
TRACKERS: Final[dict[str, type[TrackerSettings]]] = {"github": GitHubSettings}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings:
    """What every [channel.<name>] may say."""

    kind: ClassVar[str]
    name: str = ""
    people: tuple[str, ...] | None = field(
        default=None, metadata=about("handles of who is reached on this channel; default: everyone")
    )

    def values(self) -> dict[str, Any]:
        """`kind` and what its constructor takes, secrets in the clear: for the wiring, never to be shown."""
        own = (f for f in fields(self) if f.name not in ("name", "people"))
        found = {f.name: getattr(self, f.name) for f in own}
        found["kind"] = self.kind
        return {name: v.reveal() if isinstance(v, Secret) else v for name, v in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSettings(ChannelSettings):
    """[channel.<name>] of kind email."""

    kind: ClassVar[str] = "email"
    url: str = field(
        metadata=about(
            "mail server: smtp://host:port, smtp://host:port?tls=starttls or smtps://host:port",
            link="smtp smtps",
        )
    )
    sender: str = field(metadata=about("address, or name <address>, that mails come from", key="from"))
    user: Secret | None = field(default=None, metadata=about("user name at the mail server", literal=True))
    password: Secret | None = field(default=None, metadata=about("password at the mail server"))


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings(ChannelSettings):
    """[channel.<name>] of kind webhook."""

    kind: ClassVar[str] = "webhook"
    url: Secret = field(
        metadata=about("address that receives the POST, http or https", literal=True, link="http https")
    )
    secret: Secret = field(
        metadata=about("signing secret of Standard Webhooks: whsec_ and 24 to 64 bytes in base64")
    )
    allow_loopback: bool = field(default=False, metadata=about("whether the address may lie on this machine"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSettings(ChannelSettings):
    """[channel.<name>] of kind console."""

    kind: ClassVar[str] = "console"


@dataclass(frozen=True, slots=True, kw_only=True)
class NtfySettings(ChannelSettings):
    """[channel.<name>] of kind ntfy."""

    kind: ClassVar[str] = "ntfy"
    url: str = field(metadata=about("root of the ntfy server, http or https", link="https http"))
    topic: str = field(
        metadata=about("topic of a person, with {handle} in it; who has an own topic is reached there")
    )
    token: Secret | None = field(default=None, metadata=about("access token at the ntfy server"))
    user: Secret | None = field(default=None, metadata=about("user name at the ntfy server", literal=True))
    password: Secret | None = field(default=None, metadata=about("password at the ntfy server"))
    allow_loopback: bool = field(default=False, metadata=about("whether the address may lie on this machine"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AppriseSettings(ChannelSettings):
    """[channel.<name>] of kind apprise; needs the extra of that name."""

    kind: ClassVar[str] = "apprise"
    url: Secret = field(
        metadata=about("address in the manner of Apprise; {handle} and {address} in it become the person's")
    )


CHANNELS: Final[dict[str, type[ChannelSettings]]] = {
    "apprise": AppriseSettings,
    "console": ConsoleSettings,
    "email": EmailSettings,
    "ntfy": NtfySettings,
    "webhook": WebhookSettings,
}


def settings_of(cls: type[Any]) -> list[Field[Any]]:
    """The fields of a table that stand in the file."""
    return [f for f in fields(cls) if "doc" in f.metadata]


def key_of(f: Field[Any]) -> str:
    """What a setting is called in the file."""
    return f.metadata["key"] or f.name
