"""Several instances of one driver, such as a supervisor on each host; each reaches servers of its own."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import TypeAdapter

from alerting.drivers.driver import Driver, RestartRequest
from alerting.drivers.fields import ANY_SERVER
from alerting.drivers.outcome import Cause, Failed, Outcome
from nervesys.settings.section import SettingsSection

Section = TypeVar("Section", bound=SettingsSection)


@dataclass(frozen=True)
class DriverInstances:
    """Passes each request to the instance that reaches its server.

    Attributes:
        instances: by name; no server is reached by two of them.
    """

    instances: Mapping[str, Driver]

    @property
    def servers(self) -> tuple[str, ...]:
        """The servers that any instance reaches."""
        return tuple(server for driver in self.instances.values() for server in driver.servers)

    def inspect(self, request: RestartRequest) -> Outcome:
        """As the instance of the request's server."""
        driver = self._find(request.server)
        return driver.inspect(request) if driver else _unreachable(request)

    def restart(self, request: RestartRequest) -> Outcome:
        """As the instance of the request's server."""
        driver = self._find(request.server)
        return driver.restart(request) if driver else _unreachable(request)

    def stop(self, request: RestartRequest) -> Outcome:
        """As the instance of the request's server."""
        driver = self._find(request.server)
        return driver.stop(request) if driver else _unreachable(request)

    def start(self, request: RestartRequest) -> Outcome:
        """As the instance of the request's server."""
        driver = self._find(request.server)
        return driver.start(request) if driver else _unreachable(request)

    def _find(self, server: str) -> Driver | None:
        """The instance that names a server, or else the one that reaches every server."""
        for wanted in (server, ANY_SERVER):
            for driver in self.instances.values():
                if wanted in driver.servers:
                    return driver
        return None


def read_instances(section: type[Section]) -> Callable[[object], Section | DriverInstances]:
    """A reader of a driver's part of the local file: its keys, or a mapping from names to the keys of each instance.

    An instance that names no servers reaches the server that it is named after.

    Args:
        section: what one instance is read as.

    The reader raises `ValueError` with every mistake, and its path.
    """
    single, several = TypeAdapter(section), TypeAdapter(dict[str, section])  # type: ignore[valid-type]

    def read(value: object) -> Section | DriverInstances:
        if not (isinstance(value, Mapping) and value and all(isinstance(part, Mapping) for part in value.values())):
            return single.validate_python(value)
        named = {str(name): {"servers": [str(name)], **part} for name, part in value.items()}
        made = DriverInstances(several.validate_python(named))
        twice = [server for server, times in Counter(made.servers).items() if times > 1]
        if twice:
            raise ValueError(f"two instances reach {'every server' if twice[0] == ANY_SERVER else twice[0]}")
        return made

    return read


def _unreachable(request: RestartRequest) -> Failed:
    return Failed(Cause.BAD_TARGET, f"no instance reaches server {request.server or '(unknown)'}")
