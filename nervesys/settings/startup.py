"""The home folder, the brain and the profile of a program: what must be known before settings can be loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_HOME = ".nervesys"


@dataclass(frozen=True)
class StartupSettings:
    """Where a program keeps its data, and where its configuration comes from.

    Attributes:
        home: absolute; holds `cache/`, `brain/`, `journal.sqlite3`, `secrets/`, `programs/`, `log/`.
        brain: a Git URL or a folder; None for the shipped example.
        profile: overrides of the brain, such as `local`; several are separated by commas.
    """

    home: Path
    brain: str | None = None
    profile: str | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str], home: str | None = None, brain: str | None = None) -> "StartupSettings":
        """From flags, then `NERVESYS_HOME`, `NERVESYS_BRAIN` and `NERVESYS_PROFILE`."""
        return cls(
            home=Path(home or environ.get("NERVESYS_HOME") or DEFAULT_HOME).absolute(),
            brain=brain or environ.get("NERVESYS_BRAIN") or None,
            profile=environ.get("NERVESYS_PROFILE") or None,
        )

    def cache(self, source: str) -> Path:
        """SQLite cache of a source, or of another reader."""
        return self.home / "cache" / f"{source}.sqlite3"

    def mirror(self, program: str) -> Path:
        """The bare mirror of the brain that a program keeps for itself."""
        return self.home / "brain" / program

    def receiver_file(self, environ: Mapping[str, str]) -> Path:
        """The receiver's local file: the one that `NERVESYS_RECEIVER_FILE` names, or that of the home."""
        return Path(environ.get("NERVESYS_RECEIVER_FILE") or self.home / "receiver.yaml").absolute()

    @property
    def journal(self) -> Path:
        """The receiver's journal."""
        return self.home / "journal.sqlite3"

    @property
    def manifests(self) -> Path:
        """The default database of artifact manifests."""
        return self.home / "artifacts.sqlite3"

    def secret(self, name: str) -> Path:
        """A file in the folder of secrets (mode 0600, made at the first start)."""
        return self.home / "secrets" / name

    def log(self, program: str) -> Path:
        """A program's log."""
        return self.home / "log" / f"{program}.log"
