"""TLS of the local archive: a certificate authority of its own, made at each start and forgotten at its end."""

import ssl
import tempfile
from pathlib import Path

__all__ = ["Authority"]


class Authority:
    """A certificate for this machine, and the file with which clients can check it.

    Raises
    ------
    ImportError
        If trustme (the extra ``tls``) is not installed.
    """

    def __init__(self) -> None:
        import trustme

        authority = trustme.CA(organization_name="Local archive of JWST", key_type=trustme.KeyType.ECDSA)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        """For the server's side."""
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        authority.issue_cert("127.0.0.1", "localhost", key_type=trustme.KeyType.ECDSA).configure_cert(self.context)
        # Only the authority's certificate reaches the disk for good; no key does.
        self._folder = tempfile.TemporaryDirectory(prefix="jwstmq-tls-", ignore_cleanup_errors=True)
        self.ca_file = Path(self._folder.name) / "ca.pem"
        """The authority's certificate (PEM); lives until `close`."""
        authority.cert_pem.write_to_path(self.ca_file)

    def close(self) -> None:
        """Remove the file."""
        self._folder.cleanup()
