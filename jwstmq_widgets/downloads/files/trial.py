"""The tries of one file: how often it failed, and whether another try makes sense."""

from dataclasses import dataclass

from jwstmq_widgets.downloads.hands import Carrier
from jwstmq_widgets.downloads.pace import Manners
from jwstmq_widgets.errors import JwstmqError, Mismatch, Unreachable

__all__ = ["Trial"]

_MOST_TRIES = 100


@dataclass(slots=True)
class Trial:
    """The tries of one file."""

    transfer: Carrier
    """Moves it."""
    tries: int = 0
    """Tries that failed, in all."""
    failures: int = 0
    """Tries in a row that brought no new byte."""
    first_failure: float = 0.0
    """When the first of these failed."""
    seconds: float = 0.0
    """How long all tries took."""
    _mismatches: int = 0
    _moved: int = 0

    def failed(self, error: JwstmqError, now: float) -> None:
        """Count a try that failed."""
        self.tries += 1
        if self.transfer.moved > self._moved and not isinstance(error, Mismatch):
            self._moved, self.failures = self.transfer.moved, 0
        self.failures += 1
        self._mismatches += isinstance(error, Mismatch)
        if self.failures == 1:
            self.first_failure = now

    def answered(self, error: JwstmqError) -> bool:
        """Whether the archive answered in the try that failed last, or brought bytes since the one before."""
        return not isinstance(error, Unreachable) or self.failures == 1 < self.tries

    def hopeless(self, manners: Manners) -> bool:
        """Whether no other try is worth it."""
        return self.failures >= manners.tries or self._mismatches > 1 or self.tries >= _MOST_TRIES
