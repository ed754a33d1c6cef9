"""The environment variables, each bound to the one setting that it sets.

This is also the list of names that `${NAME}` in a file may expand, each only in its own field, so that no file of a
brain can send a secret elsewhere. `NAME_FILE` names a file that holds the value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nervesys.errors import SettingsProblem
from nervesys.settings.secret_file import read_secret_text

SECRET_ENDS = (
    "_ACCESS_KEY",
    "_SECRET_KEY",
    "_API_KEY",
    "_TOKEN",
    "_PASSWORD",
    "_IDENTITY",
    "_JSON",
    "_DATABASE",
    "_URL",
)
"""Ends of the names of variables whose value is a secret, or may hold one, such as a URL with a password."""


DATABASES = ("sqlite:///", "postgresql://")
"""Beginnings of the URLs of supported databases."""


@dataclass(frozen=True)
class Variable:
    """One environment variable, and the setting that it sets."""

    name: str
    field: tuple[str, ...]
    help: str

    @property
    def is_secret(self) -> bool:
        """Whether its value may never be stored or shown."""
        return self.name.endswith(SECRET_ENDS)

    @property
    def begins(self) -> tuple[str, ...]:
        """How its value begins, if it is meant for us; programs of all kinds use some names."""
        return DATABASES if self.name == "DATABASE_URL" else ("",)


VARIABLES = tuple(
    Variable(name, tuple(field.split(".")), text)
    for name, field, text in (
        ("MINIO_URL", "storage.storj.endpoint", "the same as STORJ_ENDPOINT, which wins"),
        ("STORJ_ENDPOINT", "storage.storj.endpoint", "URL of the store's S3 API"),
        ("STORJ_REGION", "storage.storj.region", "region of the store"),
        ("STORJ_BUCKET", "storage.storj.bucket", "bucket of the store"),
        ("STORJ_ACCESS_KEY", "storage.storj.access_key", "access key of the store"),
        ("STORJ_SECRET_KEY", "storage.storj.secret_key", "secret key of the store"),
        ("STORJ_DB_BUCKET", "storage.storj.databases.bucket", "bucket of the databases, where they have their own"),
        ("STORJ_DB_ACCESS_KEY", "storage.storj.databases.access_key", "access key of the databases alone"),
        ("STORJ_DB_SECRET_KEY", "storage.storj.databases.secret_key", "secret key of the databases alone"),
        ("STORJ_LOGS_BUCKET", "storage.storj.logs.bucket", "bucket of the logs, where they have their own"),
        ("STORJ_LOGS_ACCESS_KEY", "storage.storj.logs.access_key", "access key of the logs alone"),
        ("STORJ_LOGS_SECRET_KEY", "storage.storj.logs.secret_key", "secret key of the logs alone"),
        ("NERVESYS_ARCHIVE", "storage.archive.url", "file:///path or gdrive://FOLDER_ID"),
        ("GDRIVE_FOLDER_ID", "storage.archive.folder_id", "Drive folder of the archive"),
        ("GDRIVE_SERVICE_ACCOUNT_JSON", "storage.archive.service_account_json", "service account key, or its path"),
        ("GDRIVE_API_URL", "storage.archive.api_url", "another Drive API than Google's"),
        ("NERVESYS_AGE_IDENTITY", "storage.encryption.identity", "age identity that opens encrypted logs and backups"),
        ("NERVESYS_BRAIN_BRANCH", "storage.brain.branch", "branch of the brain that configuration is read from"),
        ("NERVESYS_STATE_BRANCH", "storage.brain.state_branch", "branch of the brain that is written to"),
        ("GITHUB_TOKEN", "storage.brain.token", "token for GitHub's API and for git over https"),
        ("GITHUB_REPOSITORY", "storage.brain.repository", "owner/name of the brain on GitHub"),
        ("GITHUB_API_URL", "storage.brain.api_url", "GitHub's REST API"),
        ("WORKSPACE_PATH", "storage.workspace.path", "folder of all projects"),
        ("PROJECT_ID", "storage.workspace.project", "project of agents that name none"),
        ("PERSISTENT_STORAGE", "storage.workspace.persistent", "false keeps workspaces in memory"),
        (
            "NERVESYS_ARTIFACTS",
            "storage.artifacts.files",
            "where contents of artifacts lie: a folder or s3://BUCKET/PREFIX",
        ),
        (
            "DATABASE_URL",
            "storage.artifacts.database",
            "the same as NERVESYS_ARTIFACTS_DATABASE, which wins; of PostgreSQL or SQLite, else without effect",
        ),
        ("NERVESYS_ARTIFACTS_DATABASE", "storage.artifacts.database", "URL of the database of manifests"),
        ("NERVESYS_ARTIFACTS_SERVICE", "storage.artifacts.service", "URL of the service of artifacts"),
        ("NERVESYS_ARTIFACTS_TOKEN", "storage.artifacts.token", "token that an agent shows to that service"),
        ("ALIBABA_API_KEY", "alibaba.alibaba_cloud.api_key", "the same as DASHSCOPE_API_KEY, which wins"),
        ("DASHSCOPE_API_KEY", "alibaba.alibaba_cloud.api_key", "key of the optional language model"),
        ("GRAFANA_URL", "grafana.url", "Grafana, as browsers reach it"),
        ("GRAFANA_API_KEY", "grafana.api_key", "token of a service account of Grafana"),
        ("NERVESYS_SMTP_PASSWORD", "reports.mail.password", "password of the server that reports are mailed by"),
        ("NERVESYS_TRACES_OTLP", "monitoring.traces.push.otlp", "collector that traces are handed on to"),
        ("NERVESYS_LOGS_PUSH", "logs.push.url", "log database that log records are sent to"),
        ("NERVESYS_DEADMAN_URL", "monitoring.deadman.url", "outside URL of the dead-man's switch"),
        ("NERVESYS_WEB_USER", "monitoring.web.basic_auth_user", "user of basic auth"),
        ("NERVESYS_WEB_PASSWORD", "monitoring.web.basic_auth_password", "password of basic auth"),
        ("NERVESYS_WEB_TLS_CERT", "monitoring.web.tls_cert_file", "PEM certificate of the listeners"),
        ("NERVESYS_WEB_TLS_KEY", "monitoring.web.tls_key_file", "PEM key of the listeners"),
    )
)
STARTUP_VARIABLES = {
    "NERVESYS_HOME": "folder of everything kept (default: .nervesys)",
    "NERVESYS_BRAIN": "the brain: a Git URL or a folder (default: the shipped example)",
    "NERVESYS_PROFILE": "profiles laid over the brain, joined by commas, such as local",
    "NERVESYS_AGENT": "name of the agent, where nothing else says it (default: the machine's own, up to its first dot)",
    "NERVESYS_CHECKPOINTS_URL": "database of LangGraph's checkpoints (default: DATABASE_URL, else the agent's own)",
    "NERVESYS_JOURNAL_URL": "the receiver's journal (default: `journal` of receiver.yaml, else SQLite in the home)",
    "NERVESYS_SERVER": "name of this host, as agents report it (default: the machine's own)",
}
"""Variables that set no setting, most of them needed before any can be read; only those with `URL` have a `_FILE`."""
ROTATING = frozenset({"NERVESYS_WEB_PASSWORD", "NERVESYS_ARTIFACTS_TOKEN"})
"""Variables whose `_FILE` is read again when it changes: secrets that `nervesys secrets rotate` replaces."""
NAMES_BY_FIELD: dict[tuple[str, ...], list[str]] = {}
"""The variables that set a field, and that may stand in it as `${NAME}`; of several that are set, the last wins."""
for _variable in VARIABLES:
    NAMES_BY_FIELD.setdefault(_variable.field, []).append(_variable.name)


class VariableValue(NamedTuple):
    """A value, and the name of the variable that it came from."""

    name: str
    value: str


def value_of(name: str, environ: Mapping[str, str], mistakes: list[SettingsProblem]) -> VariableValue | None:
    """The value of a variable, or the content of the file that `NAME_FILE` names; None if neither is set.

    Problems are appended to the mistakes.
    """
    value, file = environ.get(name), environ.get(f"{name}_FILE")
    if not file:
        return VariableValue(name, value) if value else None
    if value:
        mistakes.append(SettingsProblem(name, "", f"{name} and {name}_FILE are both set; keep one"))
        return None
    try:
        return VariableValue(f"{name}_FILE", read_secret_text(Path(file)))
    except (OSError, ValueError) as err:
        problem = getattr(err, "strerror", None) or "not a short text"
        mistakes.append(SettingsProblem(f"{name}_FILE", "", f"read {file}: {problem}"))
        return None
