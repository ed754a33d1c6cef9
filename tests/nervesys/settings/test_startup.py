"""Home folder, brain and profile: flags win over the environment."""

from pathlib import Path

from nervesys.settings.startup import StartupSettings


def test_flags_win_over_the_environment_and_defaults_apply_last(tmp_path: Path) -> None:
    environ = {"NERVESYS_HOME": "/elsewhere", "NERVESYS_BRAIN": "env", "NERVESYS_PROFILE": "local"}
    assert StartupSettings.of(environ, str(tmp_path), "flag") == StartupSettings(tmp_path, "flag", "local")
    assert StartupSettings.of({}) == StartupSettings(Path(".nervesys").absolute())


def test_every_file_lies_below_the_home_folder(tmp_path: Path) -> None:
    startup = StartupSettings(tmp_path)
    files = [startup.cache("store"), startup.mirror("agent"), startup.secret("x"), startup.log("receiver")]
    assert all(file.is_relative_to(tmp_path) for file in [*files, startup.journal, startup.manifests])
