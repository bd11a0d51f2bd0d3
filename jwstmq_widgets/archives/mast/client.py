"""astroquery's client for one archive, on a transport that keeps it to that archive."""

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from jwstmq_widgets.archives.connections import USER_AGENT
from jwstmq_widgets.archives.host import Host, retry_after
from jwstmq_widgets.archives.parallel import Manners, Stop, Waiting
from jwstmq_widgets.archives.tokens import Credential
from jwstmq_widgets.errors import ArchiveError, QueryError

__all__ = ["Client"]

_CONNECT_TIMEOUT = 10.0
_SHORT = 2000  # bytes: an answer that says EXECUTING has no rows


class Client:
    """astroquery's ``Observations`` for one archive, as an object of our own.

    Parameters
    ----------
    host
        The archive.
    credential
        The token that goes with requests to it.
    manners
        Time-outs, and how often an archive that is still working is asked.
    """

    def __init__(self, host: Host, credential: Credential, manners: Manners) -> None:
        # Importing astroquery.mast takes a second, so it waits until an archive is asked.
        from astroquery.mast import ObservationsClass, conf

        self._host = host
        with contextlib.ExitStack() as stack:
            if hasattr(conf, "enable_cloud_dataset"):  # newer versions look at a cloud bucket when they are made
                stack.enter_context(conf.set_temp("enable_cloud_dataset", False))
            self._observations = ObservationsClass()
        session = self._observations._session  # noqa: SLF001  (there is no public way to it)
        session.hooks["response"].clear()  # astroquery's hook would write the header fields into its log
        self._transport = _Transport(host, credential, manners)
        for scheme in ("http://", "https://"):
            session.mount(scheme, self._transport)
        self._redirect(manners)

    def observations(self, criteria: Mapping[str, Any], stop: Stop) -> list[bytes]:
        """Ask for observations.

        Parameters
        ----------
        criteria
            What ``query_criteria`` takes.
        stop
            Ends the waiting.

        Returns
        -------
        list of bytes
            The pages of the answer.

        Raises
        ------
        ArchiveError
            If asking failed.
        Cancelled
            If the work was to end.
        """
        with self._translated(), self._transport.until(stop):
            return [page.content for page in self._observations.query_criteria_async(**criteria)]

    def count(self, criteria: Mapping[str, Any], stop: Stop) -> int:
        """Ask how many observations there are.

        Parameters
        ----------
        criteria, stop
            See `observations`.

        Returns
        -------
        int

        Raises
        ------
        ArchiveError
            If asking failed.
        Cancelled
            If the work was to end.
        """
        with self._translated(), self._transport.until(stop):
            return int(self._observations.query_criteria_count(**criteria))

    def session_info(self, stop: Stop) -> Any:
        """Ask who is logged in.

        Parameters
        ----------
        stop
            Ends the waiting.

        Returns
        -------
        object
            The reply of ``/whoami``, as parsed JSON.

        Raises
        ------
        ArchiveError
            If asking failed.
        """
        with self._translated(), self._transport.until(stop):
            return self._observations.session_info(verbose=False)

    def _redirect(self, manners: Manners) -> None:
        """Turn the addresses, which astroquery fixes when it is imported, to this archive."""
        url = self._host.url
        portal = self._observations._portal_api_connection  # noqa: SLF001  (see above)
        portal.MAST_REQUEST_URL = f"{url}/api/v0/invoke"
        portal.COLUMNS_CONFIG_URL = f"{url}/portal/Mashup/Mashup.asmx/columnsconfig"
        portal.MAST_DOWNLOAD_URL = f"{url}/api/v0.1/Download/file"
        portal.MAST_BUNDLE_URL = f"{url}/api/v0.1/Download/bundle"
        portal.TIMEOUT = manners.patience
        portal._column_configs = {}  # noqa: SLF001  (otherwise all archives of the process share them)
        self._observations._auth_obj.SESSION_INFO_URL = f"{url}/whoami"  # noqa: SLF001

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        from astroquery.exceptions import InvalidQueryError, RemoteServiceError

        try:
            yield
        except InvalidQueryError as error:
            self._forget_columns()
            if "radius" in str(error).lower():
                raise QueryError(
                    f"the archive's client refuses the radius: {error}; give a smaller one", field="radius"
                ) from error
            raise self._host.unreadable(f"its list of columns does not fit ({error})") from error
        except RemoteServiceError as error:
            raise self._host.refused(200, says=str(error)) from error
        except TimeoutError as error:
            raise self._host.late(self._transport.manners.patience) from error
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            if isinstance(error, QueryError):
                raise
            self._forget_columns()
            raise self._host.unreadable("it is not the JSON that MAST's portal sends") from error

    def _forget_columns(self) -> None:
        self._observations._portal_api_connection._column_configs.clear()  # noqa: SLF001  (a broken list is asked anew)


class _Transport(HTTPAdapter):
    """Sends astroquery's requests: to one host only, with time-outs, and patiently while the archive is working."""

    def __init__(self, host: Host, credential: Credential, manners: Manners) -> None:
        from astroquery.version import version as astroquery_version

        super().__init__(pool_maxsize=manners.connections)
        self.manners = manners
        self._host = host
        self._credential = credential
        self._below = f"astroquery/{astroquery_version}"
        self._thread = threading.local()

    @contextlib.contextmanager
    def until(self, stop: Stop) -> Iterator[None]:
        """Let the requests of this thread end with the given work."""
        self._thread.stop = stop
        try:
            yield
        finally:
            del self._thread.stop

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,  # noqa: ARG002  (astroquery gives none)
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Send a request, again and again while the archive says EXECUTING."""
        url = request.url or ""
        if not self._host.owns(url):
            raise self._host.elsewhere(302, url)
        sent = request.copy()
        sent.headers.pop("Cookie", None)
        sent.headers["User-Agent"] = f"{USER_AGENT} {self._below}"
        sent.headers.update(self._credential.headers(url))
        waiting = Waiting(self._host, self.manners, self._thread.stop)
        while True:
            response = self._once(sent, stream=stream, verify=verify, cert=cert, proxies=proxies)
            response.request = request  # without the token
            if stream or not _executing(response.content):
                return response
            waiting.pause()

    def _once(
        self, request: requests.PreparedRequest, *, proxies: Any, stream: bool, **options: Any
    ) -> requests.Response:
        try:
            response = super().send(
                request,
                stream=stream,
                timeout=(_CONNECT_TIMEOUT, self.manners.timeout),
                proxies={} if self._host.loopback else proxies,
                **options,
            )
            if not stream:
                _ = response.content
        except requests.RequestException as error:
            raise self._error(error) from error
        if response.is_redirect:
            raise self._host.elsewhere(response.status_code, response.headers.get("Location", ""))
        if response.status_code != requests.codes.ok:
            raise self._host.refused(response.status_code, wait=retry_after(response.headers))
        return response

    def _error(self, error: requests.RequestException) -> ArchiveError:
        if isinstance(error, requests.exceptions.SSLError):
            return self._host.unreachable("its certificate was not accepted")
        if isinstance(error, (requests.exceptions.ReadTimeout, requests.exceptions.ChunkedEncodingError)):
            return self._host.late(self.manners.timeout)
        broken = error.args[0] if error.args else None
        if type(broken).__name__ in {"ProtocolError", "ReadTimeoutError"}:  # broken after the question was taken
            return self._host.late(self.manners.timeout)
        return self._host.unreachable()


def _executing(body: bytes) -> bool:
    if len(body) > _SHORT or b"EXECUTING" not in body:
        return False
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and answer.get("status") == "EXECUTING"
