"""What a TAP service tells about itself: tables, capabilities, availability, examples.

Sources: VOSI 1.1, VODataService 1.2, TAPRegExt 1.0, DALI 1.1 (IVOA). The ``esatapplus`` attributes are those that
astroquery's TAP+ client reads.
"""

from collections.abc import Iterable
from datetime import datetime
from xml.sax.saxutils import quoteattr

from jwstmq_widgets.localarchive.holdings.taptables import TapColumn, TapTable
from jwstmq_widgets.localarchive.protocols.exchange import Answer, Asked, text_answer
from jwstmq_widgets.localarchive.protocols.tableformats import FORMATS
from jwstmq_widgets.localarchive.protocols.tapparameters import ASYNC_ROWS, SYNC_ROWS
from jwstmq_widgets.localarchive.protocols.uploads import MOST_BYTES, MOST_ROWS
from jwstmq_widgets.localarchive.protocols.uws import DURATION, KEPT, LONGEST_DURATION, instant
from jwstmq_widgets.localarchive.protocols.votable import safe_xml

__all__ = ["EXAMPLES", "availability", "capabilities", "examples", "table_document", "tableset"]

_XML = "text/xml; charset=utf-8"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_TABLES = (
    f'xmlns:vosi="http://www.ivoa.net/xml/VOSITables/v1.0" xmlns:vod="http://www.ivoa.net/xml/VODataService/v1.1" '
    f'xmlns:esatapplus="http://esa.int/xml/EsaTapPlus" {_XSI}'
)
_ROW_BYTES = 100
EXAMPLES = (
    (
        "Observations of a program",
        """SELECT observationid, instrument_name, target_name, calibrationlevel FROM jwst.main
WHERE proposal_id = '02733' ORDER BY observationid""",
    ),
    (
        "Around a position",
        """SELECT TOP 100 observationid,
    DISTANCE(POINT('ICRS', target_ra, target_dec), POINT('ICRS', 151.757, -40.437)) AS dist
FROM jwst.main
WHERE CONTAINS(POINT('ICRS', target_ra, target_dec), CIRCLE('ICRS', 151.757, -40.437, 0.1)) = 1
ORDER BY dist ASC""",
    ),
    (
        "Files of a program, by instrument and kind",
        """SELECT m.instrument_name, a.producttype, COUNT(*) AS files
FROM jwst.main m JOIN jwst.artifact a ON a.planeid = m.planeid
WHERE m.proposal_id = '02733' GROUP BY m.instrument_name, a.producttype""",
    ),
)
"""Queries to begin with: title and ADQL."""


def tableset(tables: Iterable[TapTable], *, with_columns: bool) -> Answer:
    """Answer with tables, by schema (VOSI 1.1, section 2.3)."""
    schemas: dict[str, list[TapTable]] = {}
    for table in tables:
        schemas.setdefault(table.schema, []).append(table)
    parts = [_HEAD, f"<vosi:tableset {_TABLES}>\n"]
    for schema, members in schemas.items():
        parts.append(f"<schema>\n<name>{safe_xml(schema)}</name>\n")
        parts += [_table(table, "", with_columns=with_columns) for table in members]
        parts.append("</schema>\n")
    parts.append("</vosi:tableset>\n")
    return text_answer("".join(parts), media_type=_XML)


def table_document(table: TapTable) -> Answer:
    """Answer with one table (VOSI 1.1, section 2.3.1: ``tables/<name>``)."""
    return text_answer(_HEAD + _table(table, f"vosi:table {_TABLES}", with_columns=True), media_type=_XML)


def _table(table: TapTable, element: str, *, with_columns: bool) -> str:
    open_tag = element or "table"
    size = table.rows * _ROW_BYTES * max(1, len(table.columns))
    parts = [
        f'<{open_tag} type="table" esatapplus:size_bytes="{size}">\n<name>{safe_xml(table.name)}</name>\n',
        f"<description>{safe_xml(table.description)}</description>\n" if table.description else "",
    ]
    if with_columns:
        parts += [_column(column) for column in table.columns]
    parts.append(f"</{open_tag.split()[0]}>\n")
    return "".join(parts)


def _column(column: TapColumn) -> str:
    flags = [name for name in ("indexed", "principal") if getattr(column, name)]
    texts = (
        ("description", column.description),
        ("unit", column.unit),
        ("ucd", column.ucd),
        ("utype", column.utype),
    )
    told = "".join(f"<{tag}>{safe_xml(text)}</{tag}>\n" for tag, text in texts if text)
    size = f" arraysize={quoteattr(column.arraysize)}" if column.arraysize else ""
    extended = f" extendedType={quoteattr(column.xtype)}" if column.xtype else ""
    return (
        f'<column std="{"true" if column.std else "false"}" esatapplus:flags="{_esa_flag(column)}">\n'
        f"<name>{safe_xml(column.name)}</name>\n{told}"
        f'<dataType xsi:type="vod:VOTableType"{size}{extended}>{column.datatype}</dataType>\n'
        f"{''.join(f'<flag>{flag}</flag>' + chr(10) for flag in flags)}</column>\n"
    )


def _esa_flag(column: TapColumn) -> int:
    """Give TAP+'s number for what a column is: 1 right ascension, 2 declination, 32 main of its kind, 0 others."""
    main = "meta.main" in column.ucd
    if column.ucd.startswith("pos.eq.ra"):
        return 33 if main else 1
    if column.ucd.startswith("pos.eq.dec"):
        return 34 if main else 2
    return 0


def availability(since: datetime) -> Answer:
    """Answer that the service is up (VOSI 1.1, section 2.2)."""
    text = (
        f'{_HEAD}<vosi:availability xmlns:vosi="http://www.ivoa.net/xml/VOSIAvailability/v1.0">\n'
        f"<vosi:available>true</vosi:available>\n<vosi:upSince>{instant(since)}</vosi:upSince>\n"
        "<vosi:note>A local archive of JWST.</vosi:note>\n</vosi:availability>\n"
    )
    return text_answer(text, media_type=_XML)


def capabilities(asked: Asked) -> Answer:
    """Answer what the service can do (TAPRegExt 1.0)."""
    base = f"{asked.url}/server/tap"
    vosi = "".join(
        f'<capability standardID="ivo://ivoa.net/std/VOSI#{name}">\n'
        f'<interface xsi:type="vs:ParamHTTP"><accessURL use="full">{safe_xml(f"{base}/{name}")}</accessURL>'
        "</interface>\n</capability>\n"
        for name in ("capabilities", "availability", "tables")
    )
    formats = "".join(
        f"<outputFormat><mime>{safe_xml(known.media_type.partition(';')[0])}</mime><alias>{known.name}</alias>"
        "</outputFormat>\n"
        for known in FORMATS.values()
    )
    features = "".join(f"<feature><form>{name}</form></feature>" for name in _GEOMETRY)
    text = f"""{_HEAD}<vosi:capabilities xmlns:vosi="http://www.ivoa.net/xml/VOSICapabilities/v1.0" \
xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" xmlns:tr="http://www.ivoa.net/xml/TAPRegExt/v1.0" {_XSI}>
<capability standardID="ivo://ivoa.net/std/TAP" xsi:type="tr:TableAccess">
<interface xsi:type="vs:ParamHTTP" role="std" version="1.1">
<accessURL use="base">{safe_xml(base)}</accessURL></interface>
<language><name>ADQL</name>
<version ivo-id="ivo://ivoa.net/std/ADQL#v2.0">2.0</version><version ivo-id="ivo://ivoa.net/std/ADQL#v2.1">2.1</version>
<description>Astronomical Data Query Language</description>
<languageFeatures type="ivo://ivoa.net/std/TAPRegExt#features-adqlgeo">{features}</languageFeatures>
</language>
{formats}<uploadMethod ivo-id="ivo://ivoa.net/std/TAPRegExt#upload-inline"/>
<retentionPeriod><default>{KEPT.total_seconds():.0f}</default></retentionPeriod>
<executionDuration><default>{DURATION:.0f}</default><hard>{LONGEST_DURATION:.0f}</hard></executionDuration>
<outputLimit><default unit="row">{SYNC_ROWS}</default><hard unit="row">{ASYNC_ROWS}</hard></outputLimit>
<uploadLimit><default unit="row">{MOST_ROWS}</default><hard unit="byte">{MOST_BYTES}</hard></uploadLimit>
</capability>
{vosi}<capability standardID="ivo://ivoa.net/std/DALI#examples">
<interface xsi:type="vs:WebBrowser"><accessURL use="full">{safe_xml(f"{base}/examples")}</accessURL></interface>
</capability>
</vosi:capabilities>
"""
    return text_answer(text, media_type=_XML)


_GEOMETRY = ("POINT", "CIRCLE", "POLYGON", "BOX", "CONTAINS", "INTERSECTS", "DISTANCE", "AREA", "COORD1", "COORD2")


def examples() -> Answer:
    """Answer with queries to begin with (DALI 1.1, section 2.3)."""
    blocks = "".join(
        f'<div id="example{number}" resource="#example{number}" typeof="example">\n'
        f'<h2 property="name">{safe_xml(title)}</h2>\n<pre property="query">{safe_xml(query)}</pre>\n</div>\n'
        for number, (title, query) in enumerate(EXAMPLES, start=1)
    )
    page = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml">\n'
        "<head><title>Examples</title></head>\n"
        f'<body vocab="http://www.ivoa.net/rdf/examples#">\n{blocks}</body>\n</html>\n'
    )
    return text_answer(page, media_type="application/xhtml+xml; charset=utf-8")
