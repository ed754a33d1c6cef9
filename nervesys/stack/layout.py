"""The model of the local stack. `up` writes it to a file, from which the other commands read it."""

from pathlib import Path

from pydantic import ValidationError

from nervesys.errors import NervesysError
from nervesys.settings.section import SettingsSection

FILE = "stack.json"


class NoStack(NervesysError):
    """There is no stack in this home, or it does not run."""


class Service(SettingsSection):
    """One process of the stack.

    Attributes:
        name: name of its supervisor program and of its log.
        about: short description.
        argv: its command; never contains a secret.
        folder: working directory; None for the stack's home.
        address: `HOST:PORT` that it listens on, if any.
        url: URL for people, if any.
        agent: whether it is an agent. Supervisor does not restart agents; that is the receiver's task.
        sources: whose exporters it is, if it is that of several.
        remote: whether it runs in another container; then its state is whether its address accepts connections.
    """

    name: str
    about: str
    argv: tuple[str, ...]
    folder: Path | None = None
    address: str | None = None
    url: str | None = None
    agent: bool = False
    sources: tuple[str, ...] = ()
    remote: bool = False


class Stack(SettingsSection):
    """The local stack.

    Attributes:
        home: NERVESYS_HOME, absolute.
        socket: supervisor's socket, in a private folder, because the length of a socket's path is limited.
        environ: environment variables of all processes, in addition to inherited ones.
        services: all processes, in the order in which they start.
    """

    home: Path
    socket: Path
    environ: dict[str, str]
    services: tuple[Service, ...]

    @property
    def agents(self) -> tuple[str, ...]:
        """The names of the agents."""
        return tuple(service.name for service in self.services if service.agent)

    @property
    def addresses(self) -> dict[str, str]:
        """`HOST:PORT` by description."""
        return {service.about: service.address for service in self.services if service.address}

    def service(self, name: str) -> Service:
        """One service by name.

        Raises:
            NervesysError: there is no such service.
        """
        found = next((service for service in self.services if service.name == name), None)
        if found is None:
            raise NervesysError(f"find {name}: no such service; there are: {', '.join(s.name for s in self.services)}")
        return found

    def log(self, name: str) -> Path:
        """The log of a service."""
        return self.home / "log" / f"{name}.log"

    @classmethod
    def load(cls, home: Path) -> "Stack":
        """Read the stack that was last started from a home.

        Raises:
            NoStack: none was started, or by another release.
        """
        try:
            return cls.model_validate_json((home / FILE).read_bytes())
        except FileNotFoundError:
            raise NoStack(f"read {home / FILE}: no stack was started here; type: nervesys up") from None
        except ValidationError:
            raise NoStack(f"read {home / FILE}: written by another release; type: nervesys up") from None
