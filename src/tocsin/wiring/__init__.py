"""Joins what may not know each other: settings, handbook, store, engine, channels, documents."""
