"""Names of environment variables that have no effect, and those of the plan that have."""

import pytest
from pydantic import SecretStr

from nervesys.settings import VARIABLES, load
from nervesys.settings.env_names import FURTHER, name_hints


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("STORJ_ACCESS_GRANT", "has no effect: an access grant is no S3 credential; `uplink share --register GRANT`"),
        ("MINIO_ROOT_USER", "has no effect: write it as STORJ_ACCESS_KEY"),
        ("STORJ_SECRETKEY", "unknown variable, no effect; did you mean 'STORJ_SECRET_KEY'?"),
        ("STORJ_SECRETKEY_FILE", "unknown variable, no effect; did you mean 'STORJ_SECRET_KEY'?"),
        ("NERVESYS_BRIAN", "did you mean 'NERVESYS_BRAIN'?"),
        ("NERVESYS_QUUX_XYZZY_FROBNICATE_WIBBLE", "`nervesys --help` lists all variables"),
        ("GITHUB_TOKN", "did you mean 'GITHUB_TOKEN'?"),
        ("PERSISTANT_STORAGE", "did you mean 'PERSISTENT_STORAGE'?"),
    ],
)
def test_a_name_without_effect_is_a_warning_with_the_right_name(name: str, hint: str) -> None:
    (warning,) = load(environ={name: "hunter2"}).warnings
    assert warning.where == name
    assert hint in str(warning)
    assert "hunter2" not in str(warning)


def test_names_of_others_and_known_names_are_no_warning() -> None:
    others = [
        "PATH",
        "HOME",
        "GITHUB_REPOSITORY_ID",
        "GITHUB_ACTIONS",
        "PROJECT_NAME",
        "NERVESYS_GRAFANA_PORT",
        *FURTHER,
    ]
    known = [name for variable in VARIABLES for name in (variable.name, f"{variable.name}_FILE")]
    assert list(name_hints([*others, *known, "NERVESYS_HOME"])) == []


def test_names_of_the_plan_set_what_they_mean_and_give_way_to_ours() -> None:
    theirs = {"MINIO_URL": "http://minio:9000", "DATABASE_URL": "postgresql://db/nervesys"}
    storage = load(environ=theirs).settings.storage
    assert storage.storj.endpoint == "http://minio:9000"
    assert storage.artifacts.database == SecretStr("postgresql://db/nervesys")
    ours = {"STORJ_ENDPOINT": "http://s3", "NERVESYS_ARTIFACTS_DATABASE": "sqlite:////m.sqlite3"}
    storage = load(environ={**theirs, **ours}).settings.storage
    assert storage.storj.endpoint == "http://s3"
    assert storage.artifacts.database == SecretStr("sqlite:////m.sqlite3")


def test_a_database_of_another_program_is_left_alone() -> None:
    assert load(environ={"DATABASE_URL": "mysql://app"}).settings.storage.artifacts.database is None
