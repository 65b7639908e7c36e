"""Standard Webhooks signatures: made by the webhook channel, checked by whoever receives.

Source: the Standard Webhooks specification. `v1` is HMAC-SHA256 over `id.timestamp.body`; the secret is `whsec_` and
24 to 64 bytes in base64; a receiver allows five minutes of difference between the clocks and looks at the raw bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

TOLERANCE: Final = timedelta(minutes=5)
_PREFIX: Final = "whsec_"


class SignatureRefused(Exception):
    """The request is not from who holds the secret, or it is too old. Says why, without the secret."""


def read_secret(secret: str) -> bytes:
    """The key's bytes. Raises ValueError, which does not repeat the secret, where it is no secret of this kind."""
    text = secret.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError("a signing secret is whsec_ and 24 to 64 bytes in base64")
    return key


def sign(secret: bytes, identity: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`."""
    signed = f"{identity}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode("ascii")


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Return when one of the signatures fits and the clocks agree within `TOLERANCE`; else raise SignatureRefused.

    Raises ValueError where `secret` is no signing secret.
    """
    key = read_secret(secret)
    lower = {name.lower(): value for name, value in headers.items()}
    identity, stamp = lower.get("webhook-id", ""), lower.get("webhook-timestamp", "")
    if not identity or not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise SignatureRefused("webhook-id or webhook-timestamp is missing or no number")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
        raise SignatureRefused("the timestamp is more than five minutes away")
    expected = sign(key, identity, int(stamp), body).encode()
    given = lower.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(expected, one.encode("utf-8", "replace")) for one in given):
        raise SignatureRefused("no signature fits")
