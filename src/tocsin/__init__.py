"""tocsin runs the incident-response handbook a team has already written."""

import zoneinfo

zoneinfo.reset_tzpath(())  # the locked tzdata package is the only source of zones (design rule 12)

__version__ = "0.1.0"
