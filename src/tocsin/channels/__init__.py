"""Ways to reach people: one file per channel behind one method, `send`.

Here: the port (`port`), what is done to hostile text (`text`), the channels and the table that builds them
(`registry`). Not here: when to send, how often to try, what to say. Of tocsin, channels know the domain only.
"""
