"""Which kinds there are and how each is built from plain values; the wiring translates settings into them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from tocsin.channels.apprise import AppriseChannel
from tocsin.channels.console import ConsoleChannel
from tocsin.channels.email import EmailChannel
from tocsin.channels.ntfy import NtfyChannel
from tocsin.channels.port import Channel
from tocsin.channels.webhook import WebhookChannel

Now = Callable[[], datetime]


def _apprise(name: str, values: Mapping[str, Any], now: Now) -> Channel:  # noqa: ARG001
    return AppriseChannel(name, **values)


def _console(name: str, values: Mapping[str, Any], now: Now) -> Channel:  # noqa: ARG001
    return ConsoleChannel(name, **{"stream": sys.stdout, **values})


def _email(name: str, values: Mapping[str, Any], now: Now) -> Channel:  # noqa: ARG001
    return EmailChannel(name, **values)


def _ntfy(name: str, values: Mapping[str, Any], now: Now) -> Channel:
    return NtfyChannel(name, now=now, **values)


def _webhook(name: str, values: Mapping[str, Any], now: Now) -> Channel:
    return WebhookChannel(name, now=now, **values)


KINDS: Final[dict[str, Callable[[str, Mapping[str, Any], Now], Channel]]] = {
    "apprise": _apprise,
    "console": _console,
    "email": _email,
    "ntfy": _ntfy,
    "webhook": _webhook,
}


def build(name: str, settings: Mapping[str, Any], now: Now) -> Channel:
    """The channel that `settings["kind"]` names; the other values are what its constructor takes.

    Raises ValueError, which repeats no secret, where the values do not fit together; LookupError for an unknown kind.
    """
    values = dict(settings)
    kind = values.pop("kind", None)
    if kind not in KINDS:
        raise LookupError(f"there is no channel of kind {kind!r}; known are {', '.join(KINDS)}")
    return KINDS[kind](name, values, now)
