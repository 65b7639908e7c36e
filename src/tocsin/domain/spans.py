"""How instants, lengths of time and lists of people are written, everywhere alike."""

from __future__ import annotations

from datetime import datetime


def span(seconds: int) -> str:
    """`45s`, `2m40s`, `1h06m`, `2d03h`."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes_left = divmod(minutes, 60)
    days, hours_left = divmod(hours, 24)
    if days:
        return f"{days}d{hours_left:02}h"
    if hours:
        return f"{hours}h{minutes_left:02}m"
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"


def many(people: tuple[str, ...]) -> str:
    """Handles as a list, or that there is nobody."""
    return ", ".join(people) or "nobody"


def full(at: datetime) -> str:
    """`2026-02-05 16:19:40 UTC`."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
