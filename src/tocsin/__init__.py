"""tocsin runs the incident-response handbook a team has already written."""

__version__ = "0.1.0"
