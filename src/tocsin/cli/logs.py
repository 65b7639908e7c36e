"""JSON lines on standard error, for what libraries log as well; control characters are escaped by the encoder."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from tocsin.wiring.program import configure_logging


class JsonLines(logging.Formatter):
    """A record of the standard library as one JSON line, an exception inside it."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat()
        line = {
            "timestamp": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def log_as_json(level: int) -> None:
    """Configure structlog and the standard library alike; libraries only from warnings upwards."""
    configure_logging(level)
    lines = logging.StreamHandler()
    lines.setFormatter(JsonLines())
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[lines], force=True)
