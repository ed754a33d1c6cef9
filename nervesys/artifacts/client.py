"""The artifact interface of an agent: put, get, list and read artifacts, and report the progress of traces and steps.

The content is stored first, and its manifest is marked as completed only then. If the service is unavailable, a request
is retried; after the last attempt it is stored in an outbox on the local disk, and delivered later. Once a method has
returned, nothing can be lost: the data is committed by the service, or in the outbox.
"""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from nervesys.artifacts.content import Content, measured, opened, type_of
from nervesys.artifacts.delivery import Delivery
from nervesys.artifacts.files import Files
from nervesys.artifacts.manifest import Context, Manifest, Status, Visibility
from nervesys.artifacts.trace import Progress, Trace, Update
from nervesys.clock import Clock, system_clock
from nervesys.contract.ulid import Stamps, given_at
from nervesys.errors import NervesysError


class Artifacts:
    """The artifacts that one agent may see. Thread-safe.

    Args:
        agent: its name.
        delivery: sends requests to the service.
        files: storage of the contents.
        clock: dates everything that is created.
    """

    def __init__(self, agent: str, delivery: Delivery, files: Files, clock: Clock = system_clock) -> None:
        self._agent, self._delivery, self._files, self._clock = agent, delivery, files, clock
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
        """Store a content as an artifact.

        Args:
            content: bytes, text, or the path of a file.
            artifact_type: such as `report`.
            content_type: MIME type; None to guess it from the file name.
            trace: the trace that it belongs to; created if it does not exist.
            step: the step of that trace.
            visibility: `trace`, `private` or `public`; None for `trace` where there is one, else `private`.
            owner: agent that may always read it; None for this agent.
            retention: days to keep it; None for ever.
            supersedes: the artifact that this one is a new version of.
            context: `prompt_version`, `model_name`, `model_params`, `input_artifacts`, `execution_time_ms`.

        Raises:
            NervesysError: the content cannot be stored, the service refuses it, or the outbox cannot be written.
            ValueError: the arguments do not make a valid manifest.
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
            announced = self._delivery.sent("artifacts", _body(said))
            self._files.put(id_, stream)
        if announced:
            self._delivery.tell(f"artifacts/{id_}/completed", b"{}")
        else:
            self._delivery.keep("artifacts", _body(whole))
        return whole

    def get(self, id_: str) -> Manifest:
        """The manifest of one artifact.

        Raises:
            RequestRefused: there is no such artifact, or this agent may not see it.
            ServiceUnavailable: try again later.
        """
        return Manifest.model_validate(self._delivery.service.ask("GET", f"artifacts/{id_}"))

    def list(self, *, trace: str | None = None, artifact_type: str | None = None) -> Iterator[Manifest]:
        """All completed artifacts that this agent may see, oldest first.

        Raises:
            ServiceUnavailable: try again later.
        """
        asked = {"trace": trace, "type": artifact_type, "status": Status.COMPLETED.value, "after": ""}
        while found := self._delivery.service.ask("GET", "artifacts", asked=asked)["artifacts"]:
            yield from map(Manifest.model_validate, found)
            asked["after"] = found[-1]["id"]

    def uri(self, id_: str, seconds: int | None = None) -> str:
        """The URI of a content: a signed URL, valid for some seconds, if the storage supports that.

        Raises:
            RequestRefused: there is no such artifact for this agent, or it is not completed.
            ServiceUnavailable: try again later.
        """
        return str(self._delivery.service.ask("GET", f"artifacts/{id_}/uri", asked={"seconds": seconds})["uri"])

    def read(self, id_: str) -> bytes:
        """The content of an artifact, verified against its checksum.

        Raises:
            RequestRefused: there is no such artifact, or this agent may not see it.
            NervesysError: it cannot be read, or does not match its checksum.
        """
        said = self.get(id_)
        with self._files.open(said.uri) as file:
            content = file.read()
        if hashlib.sha256(content).hexdigest() != said.checksum:
            raise NervesysError(f"read {said.uri}: the content does not match its checksum")
        return content

    def trace(self, trace: str, status: Progress | str = Progress.RUNNING, members: Sequence[str] = ()) -> None:
        """Report the progress of a trace, and add agents to its members.

        Raises:
            NervesysError: the service refuses it, or the outbox cannot be written.
        """
        said = Update(status=Progress(status), at=self._clock(), members=tuple(members))
        self._delivery.tell(f"traces/{trace}", _body(said))

    def trace_of(self, trace: str) -> Trace:
        """A trace with its steps.

        Raises:
            RequestRefused: there is no such trace, or this agent is not a member.
            ServiceUnavailable: try again later.
        """
        return Trace.model_validate(self._delivery.service.ask("GET", f"traces/{trace}"))

    @contextmanager
    def step(self, trace: str, step: str) -> Iterator[None]:
        """Report that a step is running, then how it ended; an exception makes it `failed`.

        Raises:
            NervesysError: the service refuses it, or the outbox cannot be written.
        """
        path = f"traces/{trace}/steps/{step}"
        self._delivery.tell(path, _body(Update(at=self._clock())))
        ended = Progress.FAILED
        try:
            yield
            ended = Progress.COMPLETED
        finally:
            self._delivery.tell(path, _body(Update(status=ended, at=self._clock())))


def _body(said: Manifest | Update) -> bytes:
    return said.model_dump_json().encode()
