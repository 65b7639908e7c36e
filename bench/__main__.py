"""Runs every measurement, prints a line per step and the table at the end."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator

from bench import cold, commands, escalating, lateness, page_latency, rota
from bench.places import HOME, Place, places
from bench.table import Line, markdown, write

STEPS: dict[str, Callable[[list[Place], bool], Iterator[Line]]] = {
    "cold": lambda _places, quick: cold.lines(quick=quick),
    "desk": lambda where, quick: commands.lines(where, quick=quick),
    "rota": lambda _places, quick: rota.lines(quick=quick),
    "escalating": lambda where, quick: escalating.lines(where, quick=quick),
    "paging": lambda where, quick: page_latency.lines(where, quick=quick),
    "late": lambda where, quick: lateness.lines(where, quick=quick),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="fewer and smaller rounds, under a minute, no aims judged"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/bench.md")
    parser.add_argument(
        "--only", choices=STEPS, action="append", help="only this part; may be given more than once"
    )
    parser.add_argument("--database", choices=("sqlite", "postgres"), help="only this database")
    asked = parser.parse_args()
    began = time.monotonic()
    HOME.mkdir(parents=True, exist_ok=True)
    print(f"bench: load average at the start {os.getloadavg()[0]:.1f}", flush=True)
    found: list[Line] = []
    with places(asked.database) as where:
        for name in asked.only or STEPS:
            for line in STEPS[name](where, asked.quick):
                found.append(line)
                print(
                    f"  = {line.what}: {line.figure} (floor {line.floor or '-'}), {line.share or '-'}",
                    flush=True,
                )
    table = markdown(found)
    print(f"\n{table}\n\nbench: {time.monotonic() - began:.0f} s, load average {os.getloadavg()[0]:.1f}")
    if asked.write:
        write(table)


if __name__ == "__main__":
    main()
