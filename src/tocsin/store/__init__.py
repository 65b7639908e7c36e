"""Where streams, effects and everything derived from them are kept."""

from tocsin.store.opening import migrate, open_store

__all__ = ["migrate", "open_store"]
