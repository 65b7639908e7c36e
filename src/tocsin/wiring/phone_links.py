"""The link by which a page is answered from a phone: made when the page is carried, stored hashed (design rule 23).

Every try has a link of its own, since only hashes are kept and an earlier one may have arrived after all. The hash
takes in the epoch of the database: after a restore no earlier link is known any more.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

import structlog

from tocsin.domain.effects import Send
from tocsin.store.contract import SecretRow, Store, StoreUnavailable, Taken

log = structlog.get_logger("tocsin.pages")

KIND = "page"
VALID = timedelta(hours=12)
"""The longest that a link works; it ends earlier with the incident."""
PATH = "/a/"


def hash_of(token: str, epoch: str) -> str:
    """What is stored of a link."""
    return hashlib.sha256(f"{epoch}/{token}".encode("utf-8", "replace")).hexdigest()


def answer_link(
    store: Store,
    base_url: str,
    channel: str,
    send: Send,
    taken: Taken,
    now: datetime,
    page: int | None = None,
) -> str | None:
    """A new link on this channel for the page of that number (default: the one sent); None for what asks for no answer.

    None too while the store takes no write: a page without its link goes out all the same.
    """
    number = send.page if page is None else page
    if number is None:
        return None
    token = secrets.token_urlsafe(32)
    row = SecretRow(
        hash_of(token, store.epoch),
        KIND,
        send.person,
        now,
        now + VALID,
        label=channel,
        ref=taken.ref,
        page=number,
    )
    try:
        store.save_secret(row)
    except StoreUnavailable as down:
        log.warning("a page goes out without its link", effect=taken.key, reason=str(down))
        return None
    return f"{base_url}{PATH}{token}"
