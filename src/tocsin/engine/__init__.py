"""The imperative shell: the desk that writes, the ticker that wakes it, the courier that carries effects out."""
