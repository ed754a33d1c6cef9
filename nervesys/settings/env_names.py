"""Names of environment variables: those that are known, and hints for those that look like one and are not."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from nervesys.errors import SettingsProblem
from nervesys.settings.variables import SECRET_ENDS, STARTUP_VARIABLES, VARIABLES

OWN_PREFIXES = ("NERVESYS_", "STORJ_", "GDRIVE_", "ALIBABA_", "DASHSCOPE_")
"""Of names that nothing else uses."""
FURTHER = frozenset(
    {
        "NERVESYS_ADDRESS",
        "NERVESYS_BIN",
        "NERVESYS_IMAGE",
        "NERVESYS_PACKAGE",
        "NERVESYS_PROVISIONING",
        "NERVESYS_RETENTION",
        "NERVESYS_ROOT",
        "NERVESYS_STORE_IMAGE",
    }
)
"""Names that Docker Compose, scripts and tests use; so do those that end in `_PORT`."""
REPLACED: Mapping[str, str] = {
    "STORJ_ACCESS_GRANT": (
        "an access grant is no S3 credential; `uplink share --register GRANT` makes STORJ_ACCESS_KEY and "
        "STORJ_SECRET_KEY from it"
    ),
    "MINIO_ACCESS_KEY": "write it as STORJ_ACCESS_KEY",
    "MINIO_SECRET_KEY": "write it as STORJ_SECRET_KEY",
    "MINIO_ROOT_USER": "write it as STORJ_ACCESS_KEY",
    "MINIO_ROOT_PASSWORD": "write it as STORJ_SECRET_KEY",
    "MINIO_ENDPOINT": "write it as STORJ_ENDPOINT, with http:// or https://",
    "MINIO_BUCKET": "write it as STORJ_BUCKET",
    "SUPABASE_URL": "write its database as NERVESYS_ARTIFACTS_DATABASE, postgresql://…",
    "GITHUB_REPO": "write it as GITHUB_REPOSITORY, owner/name",
    "GDRIVE_CREDENTIALS": "write it as GDRIVE_SERVICE_ACCOUNT_JSON",
    "SLACK_WEBHOOK_URL": "write it to the file `slack_url` in the folder of secrets",
}
"""Names of other programs for what has another name here; each with what to do."""
CLOSE = 0.9
"""Least similarity of a name without a prefix of ours; two of these with one letter less or more have 0.95."""

_KNOWN = frozenset({*(variable.name for variable in VARIABLES), *STARTUP_VARIABLES})
_FROM_FILES = _KNOWN - {name for name in STARTUP_VARIABLES if not name.endswith(SECRET_ENDS)}


def is_known(name: str) -> bool:
    """Whether a variable sets something, by value or as the name of a file."""
    return name in _KNOWN or name.removesuffix("_FILE") in _FROM_FILES


def name_hints(environ: Iterable[str]) -> Iterator[SettingsProblem]:
    """Warnings for names of variables that have no effect here, but look as if they should."""
    for name in sorted(environ):
        if is_known(name) or name in FURTHER or name.endswith("_PORT"):
            continue
        if name in REPLACED:
            yield SettingsProblem(name, "", f"has no effect: {REPLACED[name]}")
        elif name.startswith(OWN_PREFIXES):
            yield SettingsProblem(name, "", f"unknown variable, no effect; {_nearest(name)}")
        elif (near := get_close_matches(name, _KNOWN, n=1, cutoff=CLOSE)) and abs(len(near[0]) - len(name)) <= 1:
            yield SettingsProblem(name, "", f"unknown variable, no effect; did you mean {near[0]!r}?")


def _nearest(name: str) -> str:
    near = get_close_matches(name.removesuffix("_FILE"), _KNOWN, n=1)
    return f"did you mean {near[0]!r}?" if near else "`nervesys --help` lists all variables"
