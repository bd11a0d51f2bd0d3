"""What may go wrong when an archive is asked: small values to compose."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from jwstmq_widgets.localarchive.accounts import ANONYMOUS
from jwstmq_widgets.localarchive.hostiletar import HOSTILE_KINDS, hostile_tar
from jwstmq_widgets.localarchive.protocols.exchange import Answer, Asked, json_answer, text_answer

__all__ = [
    "BadJson",
    "Changed",
    "Cut",
    "Drop",
    "EmptyAnswer",
    "Executing",
    "Expire",
    "Fault",
    "FaultBook",
    "HostileTar",
    "IgnoreRange",
    "NoLength",
    "NoValidator",
    "Notice",
    "PortalError",
    "Redirect",
    "Refuse",
    "Slow",
    "SlowQuery",
    "WrongSize",
    "fault_from_json",
    "fault_to_json",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong for the requests it concerns.

    Several faults may concern one request; they act in the order in which they were given.
    """

    path: str = "*"
    """Pattern (``*``, ``?``, ``[...]``) that fits the request's path, the name of the file asked for, or the portal's
    service: ``*_cal.fits``, ``Mast.Caom.Products``, ``/whoami``."""
    times: int | None = None
    """How many requests it meets before all is well again; None for every one."""
    skip: int = 0
    """How many requests that it concerns pass before the first one it meets."""
    method: str = ""
    """Only requests with this HTTP method; "" for all."""
    ranged: bool | None = None
    """True: only requests with a Range; False: only those without; None: both."""

    def concerns(self, asked: Asked) -> bool:
        """Tell whether the fault may meet this request."""
        return (
            (not self.method or self.method == asked.method)
            and (self.ranged is None or self.ranged == ("Range" in asked.headers))
            and any(fnmatchcase(subject, self.path) for subject in asked.subjects)
        )

    def reread(self, asked: Asked) -> Asked:
        """Give the request as the archive takes it."""
        return asked

    def instead(self, asked: Asked) -> Answer | None:  # noqa: ARG002
        """Give the answer that comes instead of the real one; None to answer."""
        return None

    def spoil(self, answer: Answer) -> Answer:
        """Give the answer as it is delivered."""
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow(Fault):
    """Answers late, or little by little."""

    latency: float = 0.0
    """Seconds before the first byte."""
    rate: float = 0.0
    """Bytes per second at most; 0 for no limit."""
    row_cost: float = 0.0
    """Seconds that each row of a catalogue's answer takes besides, as in a database that is large."""

    def spoil(self, answer: Answer) -> Answer:
        """Add the delay; of several rates the lowest counts."""
        rates = [rate for rate in (self.rate, answer.rate) if rate > 0]
        latency = answer.latency + self.latency + self.row_cost * answer.rows
        return replace(answer, latency=latency, rate=min(rates, default=0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut(Fault):
    """Closes the connection in the middle of the body."""

    after: int = 0
    """Bytes of the body that still come."""

    def spoil(self, answer: Answer) -> Answer:
        """Cut the body."""
        return replace(answer, cut=self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop(Fault):
    """Closes the connection without an answer."""

    def instead(self, asked: Asked) -> Answer | None:  # noqa: ARG002
        """Answer nothing."""
        return Answer(dropped=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(Fault):
    """Answers with an HTTP error."""

    status: int = 503
    """HTTP status."""
    retry_after: float | None = None
    """Seconds for Retry-After; None leaves the field out."""

    def instead(self, asked: Asked) -> Answer | None:  # noqa: ARG002
        """Answer with the error."""
        headers = {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:g}"}
        return text_answer(f"{self.status}: refused on purpose\n", status=self.status, headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Executing(Fault):
    """The portal says EXECUTING: ask again."""

    def concerns(self, asked: Asked) -> bool:
        """Only the portal's invoke can be executing."""
        return asked.path.endswith("/invoke") and Fault.concerns(self, asked)

    def instead(self, asked: Asked) -> Answer | None:  # noqa: ARG002
        """Answer with the status alone."""
        return json_answer({"status": "EXECUTING", "msg": "", "data": [], "fields": []})


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalError(Fault):
    """The portal says ERROR, with HTTP status 200 as it does."""

    message: str = "Timeout expired."
    """Its message."""

    def concerns(self, asked: Asked) -> bool:
        """Only the portal's invoke answers so."""
        return asked.path.endswith("/invoke") and Fault.concerns(self, asked)

    def instead(self, asked: Asked) -> Answer | None:  # noqa: ARG002
        """Answer with the error."""
        return json_answer({"status": "ERROR", "msg": self.message, "data": [], "fields": []})


@dataclass(frozen=True, slots=True, kw_only=True)
class BadJson(Fault):
    """The answer ends in the middle, though its length says that it is whole."""

    def spoil(self, answer: Answer) -> Answer:
        """Keep the first half."""
        half = answer.body[: max(1, len(answer.body) // 2)]
        return replace(answer, body=half, length=len(half)) if answer.stream is None else answer


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyAnswer(Fault):
    """Answers ``{}``."""

    def instead(self, asked: Asked) -> Answer | None:  # noqa: ARG002
        """Answer an empty object."""
        return json_answer({})


@dataclass(frozen=True, slots=True, kw_only=True)
class NoLength(Fault):
    """Leaves Content-Length out, as for content that is made while it is sent."""

    def spoil(self, answer: Answer) -> Answer:
        """Forget the length."""
        return replace(answer, length=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoValidator(Fault):
    """Leaves ETag and Last-Modified out: nothing proves that a part belongs to the same file."""

    def spoil(self, answer: Answer) -> Answer:
        """Forget the validators."""
        kept = {name: value for name, value in answer.headers.items() if name not in {"ETag", "Last-Modified"}}
        return replace(answer, headers=kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoreRange(Fault):
    """Answers a request for a part with the whole."""

    def reread(self, asked: Asked) -> Asked:
        """Overlook the Range."""
        return replace(asked, headers=_without(asked.headers, "range"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed(Fault):
    """The file was reprocessed since: other validators (the bytes stay the same)."""

    revision: int = 1
    """Which revision it is now."""

    def reread(self, asked: Asked) -> Asked:
        """Look for the other revision."""
        return replace(asked, revision=self.revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongSize(Fault):
    """Serves a file that is longer or shorter than the catalogue says, and says so in Content-Length."""

    by: int = -1
    """Bytes more (zeros at the end), or less."""

    def spoil(self, answer: Answer) -> Answer:
        """Change the length of a whole file."""
        make = answer.stream
        if make is None or answer.length is None or answer.status != 200:
            return answer
        length = max(0, answer.length + self.by)
        return replace(answer, length=length, stream=lambda: _fit(make(), length))


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect(Fault):
    """Sends the client to another host, with the same path."""

    host: str
    """Where to, such as ``127.0.0.2:8080``."""
    status: int = 302
    """HTTP status."""

    def instead(self, asked: Asked) -> Answer | None:
        """Answer with the other place."""
        return text_answer("", status=self.status, headers={"Location": f"http://{self.host}{asked.target}"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expire(Fault):
    """No token is good any more."""

    def reread(self, asked: Asked) -> Asked:
        """Take whoever asks for nobody."""
        return replace(asked, account=ANONYMOUS)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostileTar(Fault):
    """The tar archive that ESA's data server sends for an observation means harm to whoever unpacks it.

    Where the kind lets anything follow, the real files come after the hostile members. Each hostile member's name ends
    with `localarchive.hostiletar.HARMLESS`, and none holds anything but a sentence or zeros.
    """

    kind: str = "parent"
    """What is wrong, one of `localarchive.hostiletar.HOSTILE_KINDS`: absolute, parent, symlink, linked folder,
    hardlink, device, pipe, drive, control, long name, hidden, stranger, duplicate, truncated, bomb, huge, sparse,
    many, no tar."""

    def __post_init__(self) -> None:
        if self.kind not in HOSTILE_KINDS:
            raise ValueError(f"no such hostile tar: {self.kind!r}; there are {', '.join(HOSTILE_KINDS)}")

    def spoil(self, answer: Answer) -> Answer:
        """Spoil a tar archive; other answers stay as they are."""
        make = answer.stream
        if make is None or answer.headers.get("Content-Type") != "application/x-tar":
            return answer
        return replace(answer, length=None, stream=lambda: hostile_tar(self.kind, make()))


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowQuery(Fault):
    """A TAP query takes long: a synchronous one answers late, a job stays EXECUTING (and can be aborted)."""

    seconds: float = 5.0
    """Seconds besides."""

    def reread(self, asked: Asked) -> Asked:
        """Let the query take longer."""
        return replace(asked, job_seconds=asked.job_seconds + self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Fault):
    """The ESA archive has something to tell its users (``/server/tap/notification``)."""

    message: str = "The archive will be down for maintenance on Tuesday."
    """What it tells; "" for nothing."""

    def reread(self, asked: Asked) -> Asked:
        """Put the message up."""
        return replace(asked, notice=self.message)


class FaultBook:
    """Which faults are still to come.

    Parameters
    ----------
    faults
        The faults, in the order in which they act.
    """

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        self._met = [0] * len(self.faults)

    def take(self, asked: Asked) -> list[Fault]:
        """Give the faults that meet this request, and count them."""
        taken = []
        for number, fault in enumerate(self.faults):
            if not fault.concerns(asked):
                continue
            self._met[number] += 1
            turn = self._met[number] - fault.skip
            if turn > 0 and (fault.times is None or turn <= fault.times):
                taken.append(fault)
        return taken


_KINDS: Mapping[str, type[Fault]] = {
    kind.__name__: kind
    for kind in (
        Slow,
        Cut,
        Drop,
        Refuse,
        Executing,
        PortalError,
        BadJson,
        EmptyAnswer,
        NoLength,
        NoValidator,
        IgnoreRange,
        Changed,
        WrongSize,
        Redirect,
        Expire,
        HostileTar,
        SlowQuery,
        Notice,
    )
}


def fault_to_json(fault: Fault) -> dict[str, Any]:
    """Write a fault as a JSON object."""
    return {"fault": type(fault).__name__, **asdict(fault)}


def fault_from_json(value: Mapping[str, Any]) -> Fault:
    """Read what `fault_to_json` wrote.

    Raises
    ------
    ValueError
        If there is no such fault.
    """
    fields = dict(value)
    kind = _KINDS.get(str(fields.pop("fault", "")))
    if kind is None:
        raise ValueError(f"no such fault: {value!r}; there are {', '.join(_KINDS)}")
    return kind(**fields)


def _without(headers: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key.lower() != name}


def _fit(pieces: Iterator[bytes], length: int) -> Iterator[bytes]:
    left = length
    for piece in pieces:
        if left <= 0:
            return
        yield piece[:left]
        left -= len(piece)
    while left > 0:
        yield bytes(min(left, 1 << 20))
        left -= 1 << 20
