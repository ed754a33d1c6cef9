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

from nervesys.artifacts.content import (
    Content,
    ContentEncryption,
    NoEncryption,
    checksum_and_size,
    mime_type,
    open_content,
)
from nervesys.artifacts.content_uri import content_uri
from nervesys.artifacts.delivery import Delivery
from nervesys.artifacts.files import ContentStorage
from nervesys.artifacts.manifest import ArtifactContext, ArtifactStatus, Manifest, Visibility
from nervesys.artifacts.trace import Progress, Trace, Update
from nervesys.clock import Clock, system_clock
from nervesys.contract.ulid import UlidGenerator, creation_time
from nervesys.errors import NervesysError


class Artifacts:
    """The artifacts that one agent may see. Thread-safe.

    Args:
        agent: its name.
        delivery: sends requests to the service.
        files: storage of the contents.
        clock: dates everything that is created.
        encryption: of contents.
    """

    def __init__(
        self,
        agent: str,
        delivery: Delivery,
        files: ContentStorage,
        clock: Clock = system_clock,
        encryption: ContentEncryption | None = None,
    ) -> None:
        self._agent, self._delivery, self._files, self._clock = agent, delivery, files, clock
        self._encryption = encryption or NoEncryption()
        self._stamps, self._stamp_lock = UlidGenerator(clock), threading.Lock()

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
        encrypted = self._encryption.active
        with open_content(content) as plain, self._encryption.encrypted(plain) as stream:
            checksum, size = checksum_and_size(stream)
            with self._stamp_lock:
                id_ = self._stamps.next().id
            draft = Manifest(
                id=id_,
                version=supersedes.version + 1 if supersedes else 1,
                supersedes=supersedes.id if supersedes else None,
                trace_id=trace,
                step_id=step,
                created_by=self._agent,
                created_at=creation_time(id_),
                artifact_type=artifact_type,
                content_type=content_type or mime_type(content),
                uri="",
                size_bytes=size,
                checksum=checksum,
                retention=retention,
                owner=owner or self._agent,
                visibility=Visibility(visibility or (Visibility.TRACE if trace else Visibility.PRIVATE)),
                context=ArtifactContext(**context),
            )
            manifest = draft.model_copy(update={"uri": content_uri(self._files.root, draft, encrypted=encrypted)})
            completed = manifest.model_copy(update={"status": ArtifactStatus.COMPLETED})
            registered = self._delivery.try_send("artifacts", _as_json(manifest))
            self._files.put(manifest.uri, stream)
        if registered:
            self._delivery.deliver(f"artifacts/{id_}/completed", b"{}")
        else:
            self._delivery.store("artifacts", _as_json(completed))
        return completed

    def get(self, id_: str) -> Manifest:
        """The manifest of one artifact.

        Raises:
            ServiceRefusal: there is no such artifact, or this agent may not see it.
            ServiceUnavailable: try again later.
        """
        return Manifest.model_validate(self._delivery.service.send("GET", f"artifacts/{id_}"))

    def list(self, *, trace: str | None = None, artifact_type: str | None = None) -> Iterator[Manifest]:
        """All completed artifacts that this agent may see, oldest first.

        Raises:
            ServiceUnavailable: try again later.
        """
        query = {"trace": trace, "type": artifact_type, "status": ArtifactStatus.COMPLETED.value, "after": ""}
        while found := self._delivery.service.send("GET", "artifacts", query=query)["artifacts"]:
            yield from map(Manifest.model_validate, found)
            query["after"] = found[-1]["id"]

    def uri(self, id_: str, seconds: int | None = None) -> str:
        """The URI of a content: a signed URL, valid for some seconds, if the storage supports that.

        Raises:
            ServiceRefusal: there is no such artifact for this agent, or it is not completed.
            ServiceUnavailable: try again later.
        """
        return str(self._delivery.service.send("GET", f"artifacts/{id_}/uri", query={"seconds": seconds})["uri"])

    def read(self, id_: str) -> bytes:
        """The content of an artifact, verified against its checksum, which is that of the encrypted content, if it is.

        Raises:
            ServiceRefusal: there is no such artifact, or this agent may not see it.
            NervesysError: it cannot be read, does not match its checksum, or is encrypted for others.
        """
        manifest = self.get(id_)
        with self._files.open(manifest.uri) as file:
            content = file.read()
        if hashlib.sha256(content).hexdigest() != manifest.checksum:
            raise NervesysError(f"read {manifest.uri}: the content does not match its checksum")
        return self._encryption.decrypt(content, manifest.uri)

    def trace(self, trace: str, status: Progress | str = Progress.RUNNING, members: Sequence[str] = ()) -> None:
        """Report the progress of a trace, and add agents to its members.

        Raises:
            NervesysError: the service refuses it, or the outbox cannot be written.
        """
        update = Update(status=Progress(status), at=self._clock(), members=tuple(members))
        self._delivery.deliver(f"traces/{trace}", _as_json(update))

    def trace_of(self, trace: str) -> Trace:
        """A trace with its steps.

        Raises:
            ServiceRefusal: there is no such trace, or this agent is not a member.
            ServiceUnavailable: try again later.
        """
        return Trace.model_validate(self._delivery.service.send("GET", f"traces/{trace}"))

    @contextmanager
    def step(self, trace: str, step: str) -> Iterator[None]:
        """Report that a step is running, then how it ended; an exception makes it `failed`.

        Raises:
            NervesysError: the service refuses it, or the outbox cannot be written.
        """
        path = f"traces/{trace}/steps/{step}"
        self._delivery.deliver(path, _as_json(Update(at=self._clock())))
        ended = Progress.FAILED
        try:
            yield
            ended = Progress.COMPLETED
        finally:
            self._delivery.deliver(path, _as_json(Update(status=ended, at=self._clock())))


def _as_json(model: Manifest | Update) -> bytes:
    return model.model_dump_json().encode()
