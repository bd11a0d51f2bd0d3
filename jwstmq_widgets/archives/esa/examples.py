"""Queries in ADQL to start from, for ESA's archive."""

from collections.abc import Mapping

__all__ = ["EXAMPLES"]

EXAMPLES: Mapping[str, str] = {
    "Observations of a program": (
        "SELECT observationid, calibrationlevel, instrument_name, energy_bandpassname\n"
        "FROM jwst.main\nWHERE proposal_id = '02733' AND max_cal_level = calibrationlevel"
    ),
    "Fields around a place": (
        "SELECT observationid, target_name, instrument_name, time_exposure\n"
        "FROM jwst.main\n"
        "WHERE INTERSECTS(position_bounds_spoly, CIRCLE('ICRS', 151.757, -40.436, 0.05)) = 1\n"
        "  AND calibrationlevel = 3"
    ),
    "Files of an observation": (
        "SELECT a.filename, a.producttype, m.calibrationlevel\n"
        "FROM jwst.main AS m JOIN jwst.artifact AS a ON a.planeid = m.planeid\n"
        "WHERE m.observationid = 'jw02733-o002_t001_miri_f1130w'"
    ),
    "How many observations each instrument has": (
        "SELECT instrument_name, COUNT(*) AS observations\n"
        "FROM jwst.main\nWHERE max_cal_level = calibrationlevel\nGROUP BY instrument_name\nORDER BY instrument_name"
    ),
}
"""Queries to start from, by what they ask."""
