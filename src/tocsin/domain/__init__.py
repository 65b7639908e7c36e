"""The functional core: facts, state and decisions. Standard library only, no I/O, no clock, no randomness."""
