"""Markdown in and Markdown out: reads a team's incident handbook, judges it, writes log rows, postmortems and the card.

Here: the grammar of the documents, `read.read_handbook`, findings, the log file with its two tables, the postmortem
draft, the offline card. Not here: when anything is written (the engine decides), who is on call (`domain.oncall`),
activation and storage.
"""
