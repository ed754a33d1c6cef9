"""Area `secrets`: when each secret was last replaced, by the brain's list and by the files that hold them.

Reads   one fetch of the brain a pass, and its list; names and times of the files, and nothing that is in them.
Units   Unix seconds.
Errors  BrainUnavailable is raised: what the mirror holds, and the files, are shown all the same. A list that is wrong
        is rejected whole, and no value is quoted; so is a rotation that is yet to come.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time

from exporters.hygiene.branches import Branches
from exporters.runner import TOLERATED, Refresh, SourceContext
from nervesys.contract.times import utc
from nervesys.errors import BadObject, Reason, SettingsError, SourceError
from nervesys.metrics import ConditionTerm, Family, Period, Sample, SourceArea
from nervesys.settings import Tree
from nervesys.settings.secrets import FILE, Secrets, read_secrets

ORIGIN = SourceArea("hygiene", "secrets")
ROTATED = Family(
    "secret_rotation_timestamp_seconds",
    "gauge",
    "Time of the secret's last rotation, according to the brain's list or the secret's file.",
    ("secret", "origin"),
    Period.DAILY,
    conditions=(
        ConditionTerm(
            word="rotation", kind="absence", labels=("secret", "origin"), origin=ORIGIN, threshold=lambda t: t.secrets
        ),
    ),
)
FAMILIES = (ROTATED,)

FILES_LIMIT = 200


def listed_samples(secrets: Secrets) -> Iterator[Sample]:
    """What the brain's list says; a day counts from its beginning, UTC."""
    for name, day in secrets.secrets.items():
        yield ROTATED.sample(datetime.combine(day, time(), UTC).timestamp(), name, "list")


class SecretsArea:
    """Reads both.

    Args:
        branches: of the brain.
        context: names the folder; clock.
    """

    def __init__(self, branches: Branches, context: SourceContext) -> None:
        self._branches = branches
        self._folder = context.place.home / context.settings.monitoring.hygiene.secrets_folder
        self._clock = context.clock

    def refresh(self, out: Refresh) -> None:
        """One pass.

        Raises:
            BrainUnavailable: the brain cannot be fetched.
            SourceError: the folder cannot be read.
        """
        out.serve_on_failure = True
        files = tuple(self._files())
        out.put("files", files, files)
        with self._branches.after_fetch():
            self._show_list(self._branches.configuration(), out)

    def _show_list(self, tree: Tree, out: Refresh) -> None:
        body = tree.read(FILE)
        try:
            secrets = _read_list(tree, utc(self._clock()).date())
        except BadObject as bad:
            out.reject(FILE, body, bad)
            return
        out.put(FILE, body, listed_samples(secrets) if secrets else ())

    def _files(self) -> Iterator[Sample]:
        """The oldest of very many, those of folders within, such as `artifacts/grok`, too; what is hidden is none."""
        try:
            top = [path for path in self._folder.iterdir() if path.name[0] != "."]
            within = [path for folder in top if folder.is_dir() for path in folder.iterdir() if path.name[0] != "."]
            aged = sorted((path.stat().st_mtime, path) for path in top + within if path.is_file())
        except FileNotFoundError:
            return
        except OSError as err:
            raise SourceError(f"read {self._folder}: {err.strerror}") from err
        for modified, path in aged[:FILES_LIMIT]:
            yield ROTATED.sample(int(modified), path.relative_to(self._folder).as_posix(), "file")


def _read_list(tree: Tree, today: date) -> Secrets | None:
    try:
        secrets = read_secrets(tree)
    except SettingsError as err:
        raise BadObject(Reason.BAD_VALUE, str(err.mistakes[0])) from None
    if secrets and any(day > today + TOLERATED for day in secrets.secrets.values()):
        raise BadObject(Reason.FUTURE, "a rotation is yet to come")
    return secrets
