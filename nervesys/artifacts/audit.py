"""Which requests to the artifact service are audited, and as what."""

from http import HTTPStatus

from starlette.requests import Request

from nervesys.artifacts.tokens import Caller
from nervesys.audit import AUDIT, UNKNOWN, AuditAction, AuditResult
from nervesys.metrics.http_headers import client_of

AUDITED = {
    "get": AuditAction.READ_ARTIFACT,
    "uri": AuditAction.READ_ARTIFACT,
    "delete": AuditAction.DELETE_ARTIFACT,
    "gc": AuditAction.DELETE_ARTIFACT,
}
"""Operations of the audit trail; whoever reads a content asks for its manifest first. Of the others, what is denied."""
DENIED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
"""An artifact that the caller may not see is not found."""


def audit_request(
    request: Request, operation: str, caller: Caller | None, outcome: str, status: HTTPStatus | int
) -> None:
    """Audit a request, if it is one of those that are.

    Args:
        request: names artifact or trace in its path.
        operation: as metrics name it.
        caller: None for whoever has no valid token.
        outcome: `ok`, `refused` or `failed`.
        status: of a refusal.
    """
    denied = status in DENIED
    action = AuditAction.SIGN_IN if caller is None and denied else AUDITED.get(operation)
    if action is None and not denied:
        return
    result = AuditResult.DENIED if denied else AuditResult.OK if outcome == "ok" else AuditResult.FAILED
    name = UNKNOWN if caller is None else f"token {caller.name}"
    target = f"{operation} {'/'.join(map(str, request.path_params.values()))}".strip()
    target = f"artifact service: {target}" if action is AuditAction.SIGN_IN else target
    AUDIT.record(action or AuditAction.READ_ARTIFACT, result, name, target, client=client_of(request.scope))
