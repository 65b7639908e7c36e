"""The HTTP edge: API, pages, live stream, health. Everything it decides is decided by the engine."""
