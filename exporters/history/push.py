"""Sends history to an import endpoint, such as VictoriaMetrics'."""

import gzip
from collections.abc import Iterable
from time import sleep
from urllib.parse import urlsplit

import requests
from urllib3.util import Retry

from exporters.history.progress import BackfillProgress
from exporters.history.reading import ReadResult
from nervesys.clients.bounded_http import bounded_session
from nervesys.clients.http_errors import cause
from nervesys.errors import NervesysError

PUSH_SECONDS = 60
CALL_SECONDS = 300
"""Of a push with its retries."""
METRICS_SECONDS = 1.2
"""VictoriaMetrics counts anew once a second."""
PUSH_RETRIES = Retry(4, backoff_factor=1, status_forcelist=(429, 500, 502, 503, 504), allowed_methods=None)


class Push:
    """An import endpoint, such as VictoriaMetrics' `/api/v1/import/prometheus`.

    Each file's samples are one request, remembered once it was answered. Killed in between, the next run sends the
    same samples again, with the same timestamps and values: no sum changes by that.

    Args:
        url: of the endpoint; credentials come from `~/.netrc`.
        progress: of what went there.
    """

    ticks = 1000

    def __init__(self, url: str, progress: BackfillProgress) -> None:
        self._url, self.progress = url, progress
        self._session = bounded_session(CALL_SECONDS, retries=PUSH_RETRIES)

    def take(self, reads: Iterable[ReadResult]) -> None:
        """Send each file's samples."""
        for read in reads:
            if read.text:
                self._send(read.text)
            if not read.refused:
                self.progress.remember([(read.job, read.lines)])

    def close(self) -> None:
        """Close the connection and the record of progress."""
        self._session.close()
        self.progress.close()

    def _send(self, text: bytes) -> None:
        body, headers = gzip.compress(text, 1), {"Content-Encoding": "gzip", "Content-Type": "text/plain"}
        try:
            answer = self._session.post(self._url, data=body, headers=headers, timeout=PUSH_SECONDS)
        except requests.RequestException as err:
            raise NervesysError(f"push to {self._url}: {cause(err)}; run it again to continue") from err
        if not answer.ok:
            raise NervesysError(f"push to {self._url}: {answer.status_code} {answer.text[:200].strip()}")

    def dropped_samples(self) -> float:
        """Samples that VictoriaMetrics has dropped since it started, for its own retention; 0 for others."""
        sleep(METRICS_SECONDS)
        root = urlsplit(self._url)._replace(path="/metrics", query="").geturl()
        try:
            lines = self._session.get(root, timeout=PUSH_SECONDS).text.splitlines()
        except requests.RequestException:
            return 0
        return sum(float(line.split()[-1]) for line in lines if line.startswith("vm_rows_ignored_total"))
