"""What the parts of a file's name mean, as lines for people."""

from jwstmq_widgets.filenames import ProductName, parse_name

__all__ = ["name_fields"]

_STAGES = {
    "1b": "1b, raw",
    "2a": "2a, count rates",
    "2b": "2b, calibrated",
    "2c": "2c, flagged for stage 3",
    "3": "3, combined",
    "gs": "guide star",
}
_GUIDES = {
    "id": "identification",
    "acq1": "acquisition 1",
    "acq2": "acquisition 2",
    "track": "track",
    "fg": "fine guide",
}
_CANDIDATES = {"o": "an observation", "c": "a candidate of several observations", "a": "the whole program"}
_TARGETS = {"t": "target {} of the proposal", "s": "source {}", "b": "background source {}", "v": "virtual source {}"}


def name_fields(name: str) -> tuple[tuple[str, str], ...]:
    """Take a name apart.

    Parameters
    ----------
    name
        Name of a file, or of an observation (``obs_id``).

    Returns
    -------
    tuple of pairs of str
        Label and what stands there, in the order of the name; nothing for a name that follows no rule.
    """
    parsed = parse_name(name)
    if parsed is not None:
        return tuple(_lines(parsed))
    observation = parse_name(f"{name}_cal.fits")
    if observation is None:
        return ()
    return tuple(line for line in _lines(observation) if line[0] not in {"Suffix", "Stage", "File"})


def _lines(parsed: ProductName) -> list[tuple[str, str]]:
    prime = {"1": "1, prime"}.get(parsed.parallel, f"{parsed.parallel}, parallel" if parsed.parallel else "")
    candidate = parsed.association
    made = {"jpg": "preview", "png": "preview", "gif": "preview"}.get(parsed.extension, "")
    lines = [
        ("Program", str(parsed.program)),
        ("Observation", _number(parsed.observation)),
        ("Visit", _number(parsed.visit)),
        ("Visit group", parsed.visit_group),
        ("Parallel sequence", prime),
        ("Activity", parsed.activity),
        ("Exposure", _number(parsed.exposure)),
        ("Segment", _number(parsed.segment)),
        ("Association", f"{candidate}, {_CANDIDATES.get(candidate[:1], '')}".rstrip(", ") if candidate else ""),
        ("Target", _target(parsed.target)),
        ("Guide star", _GUIDES.get(parsed.guide, parsed.guide)),
        ("Detector", parsed.detector),
        ("Instrument", parsed.instrument),
        ("Optical elements", parsed.optical_elements),
        ("Time stamp", parsed.stamp),
        ("Suffix", f"{parsed.suffix}: {parsed.meaning}" if parsed.meaning else parsed.suffix),
        ("Stage", _STAGES.get(parsed.stage, "")),
        ("File", f"{parsed.extension}{', ' if made else ''}{'thumbnail' if parsed.thumb else made}"),
    ]
    return [(label, text) for label, text in lines if text]


def _number(number: int | None) -> str:
    return "" if number is None else str(number)


def _target(target: str) -> str:
    return _TARGETS.get(target[:1], "{}").format(target[1:].lstrip("0") or "0") if target else ""
