"""What is wrong with a query."""

__all__ = ["AdqlError"]


class AdqlError(ValueError):
    """A query that cannot be run; the message is for whoever wrote it."""
