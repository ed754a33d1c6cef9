"""What an agent does with artifacts: put, get, list, read; and tell how far its traces and steps are.

A content goes to where files lie, and only then is its manifest completed. Where the service is away, a request is sent
again after each pause; then it waits on this machine's disk, and is said later.
Whatever returned is kept: committed by the service, or on the disk.
"""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from nervesys.artifacts.content import Content, measured, opened, type_of
from nervesys.artifacts.files import Files
from nervesys.artifacts.manifest import Context, Manifest, Status, Visibility
from nervesys.artifacts.patience import Patient
from nervesys.artifacts.process import Progress, Said, Trace
from nervesys.clock import Clock, system_clock
from nervesys.contract.ulid import Stamps, given_at
from nervesys.errors import NervesysError


class Artifacts:
    """The artifacts of a fleet, as one agent sees them; any thread may use it.

    Args:
        agent: its name.
        patient: talks to the service.
        files: where contents lie.
        clock: of all timestamps.
    """

    def __init__(self, agent: str, patient: Patient, files: Files, clock: Clock = system_clock) -> None:
        self._agent, self._patient, self._files, self._clock = agent, patient, files, clock
        self._stamps, self._giving = Stamps(clock), threading.Lock()

    def put(
        self,
        content: Content,
        artifact_type: str,
        *,
        content_type: str | None = None,
        trace: str | None = None,
        step: str | None = None,
        visibility: Visibility | str | None = None,
        owner: str | None = None,
        retention: int | None = None,
        supersedes: Manifest | None = None,
        **context: Any,
    ) -> Manifest:
        """Keep a content as an artifact.

        Args:
            content: itself, or the path of a file.
            artifact_type: such as `report`.
            content_type: told from the file's name where None.
            trace: that it belongs to; a new one begins with it.
            step: of that trace.
            visibility: `trace`, `private` or `public`; where None, `trace` within one, else `private`.
            owner: who may always read it; this agent where None.
            retention: days to keep it; None for ever.
            supersedes: what it is a new version of.
            context: `prompt_version`, `model_name`, `model_params`, `input_artifacts`, `execution_time_ms`.

        Raises:
            NervesysError: the content cannot be stored, the service refuses it, or what should wait cannot.
            ValueError: what is said makes no manifest.
        """
        with opened(content) as stream:
            checksum, size = measured(stream)
            with self._giving:
                id_ = self._stamps.next().id
            said = Manifest(
                id=id_,
                version=supersedes.version + 1 if supersedes else 1,
                supersedes=supersedes.id if supersedes else None,
                trace_id=trace,
                step_id=step,
                created_by=self._agent,
                created_at=given_at(id_),
                artifact_type=artifact_type,
                content_type=content_type or type_of(content),
                uri=self._files.uri(id_),
                size_bytes=size,
                checksum=checksum,
                retention=retention,
                owner=owner or self._agent,
                visibility=Visibility(visibility or (Visibility.TRACE if trace else Visibility.PRIVATE)),
                context=Context(**context),
            )
            whole = said.model_copy(update={"status": Status.COMPLETED})
            announced = self._patient.sent("artifacts", _body(said))
            self._files.put(id_, stream)
        if announced:
            self._patient.tell(f"artifacts/{id_}/completed", b"{}")
        else:
            self._patient.keep("artifacts", _body(whole))
        return whole

    def get(self, id_: str) -> Manifest:
        """A manifest.

        Raises:
            RequestRefused: there is none that this agent may see.
            ServiceAway: try another time.
        """
        return Manifest.model_validate(self._patient.service.ask("GET", f"artifacts/{id_}"))

    def list(self, *, trace: str | None = None, artifact_type: str | None = None) -> Iterator[Manifest]:
        """Every completed artifact that this agent may see, oldest first.

        Raises:
            ServiceAway: try another time.
        """
        asked = {"trace": trace, "type": artifact_type, "status": Status.COMPLETED.value, "after": ""}
        while found := self._patient.service.ask("GET", "artifacts", asked=asked)["artifacts"]:
            yield from map(Manifest.model_validate, found)
            asked["after"] = found[-1]["id"]

    def uri(self, id_: str, seconds: int | None = None) -> str:
        """Where a content is to be had; where the files can sign, a URL that opens it for so long.

        Raises:
            RequestRefused: there is none that this agent may see, or it is not completed.
            ServiceAway: try another time.
        """
        return str(self._patient.service.ask("GET", f"artifacts/{id_}/uri", asked={"seconds": seconds})["uri"])

    def read(self, id_: str) -> bytes:
        """A content, compared with its checksum.

        Raises:
            RequestRefused: there is none that this agent may see.
            NervesysError: it cannot be read, or is not what was put there.
        """
        said = self.get(id_)
        with self._files.open(said.uri) as file:
            content = file.read()
        if hashlib.sha256(content).hexdigest() != said.checksum:
            raise NervesysError(f"read {said.uri}: it is not what was put there; its checksum is another")
        return content

    def trace(self, trace: str, status: Progress | str = Progress.RUNNING, members: Sequence[str] = ()) -> None:
        """Tell how far a trace is, and let other agents take part in it.

        Raises:
            NervesysError: the service refuses it, or what should wait cannot.
        """
        said = Said(status=Progress(status), at=self._clock(), members=tuple(members))
        self._patient.tell(f"traces/{trace}", _body(said))

    def trace_of(self, trace: str) -> Trace:
        """A trace with its steps.

        Raises:
            RequestRefused: this agent takes no part in such a trace.
            ServiceAway: try another time.
        """
        return Trace.model_validate(self._patient.service.ask("GET", f"traces/{trace}"))

    @contextmanager
    def step(self, trace: str, step: str) -> Iterator[None]:
        """Tell that a step runs, and how it ended: an exception makes it failed.

        Raises:
            NervesysError: the service refuses it, or what should wait cannot.
        """
        path = f"traces/{trace}/steps/{step}"
        self._patient.tell(path, _body(Said(at=self._clock())))
        ended = Progress.FAILED
        try:
            yield
            ended = Progress.COMPLETED
        finally:
            self._patient.tell(path, _body(Said(status=ended, at=self._clock())))


def _body(said: Manifest | Said) -> bytes:
    return said.model_dump_json().encode()
