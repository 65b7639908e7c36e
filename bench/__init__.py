"""Load generators and the benchmark table: `python -m bench`. docs/bench.md says what each line means."""
