"""Explore the archives of the James Webb Space Telescope."""

__version__ = "0.1.0"
