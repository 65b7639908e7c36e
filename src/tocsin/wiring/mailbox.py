"""The mailbox of `make run`, for the edge: it may not import channels itself."""

from tocsin.channels.mailbox import Mailbox

__all__ = ["Mailbox"]
