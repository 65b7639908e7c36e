"""Where streams, effects and everything derived from them are kept."""
