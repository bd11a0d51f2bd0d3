"""The panels: they draw an exploration's state, and turn a user's act into one call on it."""
