"""What runs in the stack, and where it keeps what. `up` writes it down; every other command reads it."""

from pathlib import Path

from pydantic import ValidationError

from nervesys.errors import NervesysError
from nervesys.settings.section import Section

FILE = "stack.json"


class NoStack(NervesysError):
    """No stack runs from this home."""


class Service(Section):
    """One process of the stack.

    Attributes:
        name: of its program under supervisor, and of its log.
        about: what it is for, in a few words.
        argv: its command; never holds a secret.
        folder: to start in; the stack's home where None.
        address: `HOST:PORT` that it listens on, where it does.
        url: to look at, where there is something to see.
        agent: whether it is an agent: supervisor never starts those again by itself, healing is the receiver's.
    """

    name: str
    about: str
    argv: tuple[str, ...]
    folder: Path | None = None
    address: str | None = None
    url: str | None = None
    agent: bool = False


class Stack(Section):
    """The whole stack of one home.

    Attributes:
        home: NERVESYS_HOME, absolute.
        socket: of supervisor; in a short private folder, for a socket's path is limited.
        environ: what all processes are told, beside what they inherit.
        services: everything that runs, in the order of start.
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
        """`HOST:PORT` by what it is for."""
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
        """The stack as it was last started.

        Raises:
            NoStack: none was.
        """
        try:
            return cls.model_validate_json((home / FILE).read_bytes())
        except FileNotFoundError:
            raise NoStack(f"read {home / FILE}: no stack was started here; type: nervesys up") from None
        except ValidationError:
            raise NoStack(f"read {home / FILE}: of another release; type: nervesys up") from None
