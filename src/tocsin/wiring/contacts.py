"""Contact methods that people add themselves: an address counts once its owner has proven that she reads it.

A code goes to the address by the channel itself; who enters it within its time owns the address. Until then whatever
was used before stays in use. Only a hash of the code is stored, bound to person, channel and address, and after a few
tries it is void (docs/reference/oncall.md N10, design rule 24).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from tocsin.channels.port import TIME_LIMIT_S, Channel, Message
from tocsin.config import ChannelSettings, EmailSettings, NtfySettings
from tocsin.domain.context import Refused
from tocsin.domain.delivery import in_doubt
from tocsin.domain.people import Directory
from tocsin.store.contract import ContactRow, Store

CODE_FOR = timedelta(minutes=15)
CODE_TRIES = 5
CODE_EVERY = timedelta(minutes=1)
"""Between two codes on one channel: nobody floods a stranger's mailbox with them."""
ADDRESS_LIMIT = 254
_MAIL = re.compile(r"[^@\s<>\"(),:;\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")

_TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")


def refuse_unfit(person: str, channel: str, address: str, channels: Mapping[str, ChannelSettings]) -> None:
    """Raises Refused for a channel that is not configured, or not for her, and for an address that is none on it."""
    settings = channels.get(channel)
    if settings is None:
        known = ", ".join(channels) or "none"
        raise Refused(f"there is no channel {channel!r}", f"configured in tocsin.toml: {known}")
    if settings.people is not None and person not in settings.people:
        raise Refused(
            f"channel {channel!r} is kept for others",
            f"tocsin.toml: channel.{channel}.people names whom it reaches",
        )
    if not address.strip() or len(address) > ADDRESS_LIMIT or not address.isprintable():
        raise Refused(
            "the address is empty or holds what no address holds",
            f"one line of at most {ADDRESS_LIMIT} characters",
        )
    if isinstance(settings, EmailSettings) and (_MAIL.fullmatch(address) is None or not address.isascii()):
        raise Refused(
            f"{address!r} is no e-mail address that can be sent to",
            "write name@example.com, in plain letters",
        )
    if isinstance(settings, NtfySettings) and _TOPIC.fullmatch(address) is None:
        # The channel would pass over it and ring the topic of the pattern instead.
        raise Refused(f"{address!r} is no topic of ntfy", "1 to 64 of A to Z, a to z, 0 to 9, - and _")


def new_code() -> str:
    """Eight digits, by the system's source of chance."""
    return f"{secrets.randbelow(10**8):08}"


def _hashed(code: str, person: str, channel: str, address: str) -> str:
    """What is stored of a code: bound to person, channel and address, so that it proves nothing else."""
    said = f"{person}\n{channel}\n{address}\n{code}"
    return hashlib.sha256(said.encode()).hexdigest()


def row_of(store: Store, person: str, channel: str) -> ContactRow | None:
    """What is kept of that method of hers."""
    return next((row for row in store.contacts(person) if row.channel == channel), None)


def refuse_needless(
    store: Store, people: Directory, person: str, channel: str, address: str, now: datetime
) -> None:
    """Raises Refused for an address that is in use and works, and for a code too soon after the last one."""
    row = row_of(store, person, channel)
    works = row is None or not row.disabled
    if works and any(m.channel == channel and m.address == address for m in people.methods_of(person)):
        raise Refused(
            f"pages on {channel} go to that address already", "tocsin page test shows whether one arrives"
        )
    if row is not None and row.code_until is not None and now < row.code_until - CODE_FOR + CODE_EVERY:
        again = row.code_until - CODE_FOR + CODE_EVERY
        raise Refused(
            f"a code was sent to {row.waiting} less than a minute ago",
            f"another one from {again:%H:%M:%S} UTC on",
        )


async def ask_for_proof(
    store: Store, channel: Channel, name: str, person: str, address: str, now: datetime, base_url: str
) -> ContactRow:
    """Send a code to the address, then keep the address beside what is used until it is proven.

    Raises Undelivered when the code cannot be sent: nothing is kept then.
    """
    code = new_code()
    try:
        async with asyncio.timeout(TIME_LIMIT_S):
            await channel.send(_message(person, name, address, code, now, base_url))
    except TimeoutError:
        raise in_doubt(f"no answer within {TIME_LIMIT_S:g} seconds") from None
    return await asyncio.to_thread(_keep, store, person, name, address, code, now)


def _keep(store: Store, person: str, channel: str, address: str, code: str, now: datetime) -> ContactRow:
    known = row_of(store, person, channel) or ContactRow(person, channel, "", now)
    row = replace(
        known,
        waiting=address,
        code_hash=_hashed(code, person, channel, address),
        code_until=now + CODE_FOR,
        code_tries=0,
    )
    store.save_contact(row)
    return row


def _message(person: str, channel: str, address: str, code: str, now: datetime, base_url: str) -> Message:
    return Message(
        key=f"contact/{person}/{channel}/{int(now.timestamp())}",
        to=address,
        person=person,
        subject=f"{code} is your code for tocsin",
        text=(
            f"{code} proves that pages for {person} arrive here. Enter it within "
            f"{CODE_FOR // timedelta(minutes=1)} minutes:\n"
            f"tocsin contact verify {channel} {code}\n\n"
            "Did you not ask for it? Then do nothing: without the code this address is not used."
        ),
        ref="contact",
        about="verification",
        sent_at=now,
        urgent=False,
        links=(("tocsin", base_url),),
    )


def verify(store: Store, person: str, channel: str, code: str, now: datetime) -> ContactRow:
    """The address that waited is the one that counts from now on: the code has arrived there.

    Raises Refused for a code that is wrong, too old, or tried too often.
    """
    row = row_of(store, person, channel)
    if row is None or row.code_hash is None or not row.waiting:
        raise Refused(
            f"no code was sent to you for {channel}", f"tocsin contact add {channel} ADDRESS sends one"
        )
    spent = not store.spend_code_try(person, channel, row.code_hash, CODE_TRIES)
    if spent or row.code_until is None or now >= row.code_until:
        raise Refused("the code has run out", f"tocsin contact add {channel} {row.waiting} sends a new one")
    if not hmac.compare_digest(row.code_hash, _hashed(code, person, channel, row.waiting)):
        left = CODE_TRIES - row.code_tries - 1
        said = (
            f"{left} more {'try' if left == 1 else 'tries'}"
            if left > 0
            else "it is void now: ask for a new one"
        )
        raise Refused("that is not the code", said)
    proven = ContactRow(
        person,
        channel,
        row.waiting,
        now,
        verified_at=now,
        last_ok=now,
        test_at=row.test_at,
        tried=row.waiting,
    )
    store.save_contact(proven)
    return proven


def forget(store: Store, person: str, channel: str) -> ContactRow | None:
    """Take her own address away, or the one that waits where that is all there is; None when there is neither.

    What is known of how the roster's address does stays.
    """
    row = row_of(store, person, channel)
    if row is None or not (row.address or row.waiting):
        return None
    if row.address:
        store.delete_contact(person, channel)
    else:
        store.save_contact(replace(row, waiting="", code_hash=None, code_until=None, code_tries=0))
    return row
