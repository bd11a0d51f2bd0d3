"""ADQL, the query language of IVOA's TAP services: read, checked, and run by SQLite."""

from jwstmq_widgets.localarchive.adql.errors import AdqlError

__all__ = ["AdqlError"]
