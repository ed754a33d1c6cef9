"""Driver `kubernetes`: restarts the pods of a workload as `kubectl rollout restart` does, by the official client.

It sends one request, a PATCH of the workload, which is also all that its role has to permit. The client comes with
the extra `kubernetes`.
"""

import json
from typing import Annotated, Any, Literal

from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as TimedOut

from alerting.drivers.driver import RestartRequest
from alerting.drivers.fields import AbsolutePath, Seconds, Servers
from alerting.drivers.outcome import Cause, Done, Failed, Outcome, Retry
from alerting.drivers.shortage import raise_if_short
from nervesys.clients.bounded_http import POOLS
from nervesys.clients.deadline import ended_in_time
from nervesys.clients.http_errors import cause as http_cause
from nervesys.clock import system_clock
from nervesys.contract import format_time
from nervesys.contract.validation import text_form
from nervesys.settings.section import SettingsSection

ANNOTATION = "kubectl.kubernetes.io/restartedAt"
"""A new value in the pods' template makes the cluster replace them; kubectl uses the same."""
WORKLOAD_BYTES = 4 << 20
"""More than the cluster stores of one object (1.5 MiB in etcd)."""
PERMANENT = {401: Cause.NOT_ALLOWED, 403: Cause.NOT_ALLOWED, 404: Cause.NOT_FOUND, 422: Cause.BAD_TARGET}


class KubernetesDriver(SettingsSection):
    """The workloads of one namespace.

    Attributes:
        namespace: of the workloads.
        kind: of the workloads; those with one pod that is never doubled.
        kubeconfig: path of a file; None for the service account of the receiver's own pod.
        servers: the names under which its agents write; `*`, since pods move between hosts.
        timeout_seconds: of the whole call.
    """

    namespace: Annotated[
        str, text_form("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "must be a namespace: 1 to 63 of a-z 0-9 -")
    ]
    kind: Literal["deployment", "stateful_set"] = "deployment"
    kubeconfig: AbsolutePath | None = None
    servers: Servers
    timeout_seconds: Seconds = 10

    def inspect(self, request: RestartRequest) -> Outcome:
        """Send the PATCH of a restart as a dry run, which the cluster checks in full and does not carry out."""
        return self._patch(request, {"dry_run": "All"}, "the cluster accepts a restart")

    def restart(self, request: RestartRequest) -> Outcome:
        """Ask the cluster to replace the workload's pods; it does so by itself afterwards.

        A workload that is scaled to no pod has none to replace: that is a failure.
        """
        return self._patch(request, {}, "the cluster replaces its pods")

    def stop(self, request: RestartRequest) -> Outcome:
        """Scale the workload to no pod."""
        return self._patch(request, {}, "the cluster ends its pod", _scaled_to(0))

    def start(self, request: RestartRequest) -> Outcome:
        """Scale the workload to one pod: an agent never has two."""
        return self._patch(request, {}, "the cluster starts its pod", _scaled_to(1))

    def _patch(
        self, request: RestartRequest, options: dict[str, Any], done: str, change: dict[str, Any] | None = None
    ) -> Outcome:
        from kubernetes.client import ApiException, AppsV1Api
        from kubernetes.config import ConfigException

        what = f"{'scale' if change else 'restart'} {self.kind} {self.namespace}/{request.target}"
        restarts, change = change is None, change or _restarted_now()
        try:
            with ended_in_time(self.timeout_seconds), self._client() as client:
                patch = getattr(AppsV1Api(client), f"patch_namespaced_{self.kind}")
                limits = {"_request_timeout": self.timeout_seconds, "_preload_content": False, **options}
                workload = patch(request.target, self.namespace, change, **limits).read(WORKLOAD_BYTES)
        except ConfigException as err:
            raise_if_short(err)
            return Failed(
                Cause.NOT_ALLOWED,
                f"{what}: no credentials: set `kubeconfig`, or run as a pod of the cluster",
            )
        except ApiException as err:
            detail, cause = f"{what}: HTTP {err.status} {err.reason}", PERMANENT.get(err.status)
            return Failed(cause, detail) if cause else Retry(Cause.REFUSED, detail)
        except TimeoutError:
            return Retry(Cause.TIMED_OUT, f"{what}: timed out")
        except HTTPError as err:
            raise_if_short(err)
            late = isinstance(err, TimedOut) and not isinstance(err, NewConnectionError)  # urllib3 calls both late
            return Retry(
                Cause.TIMED_OUT if late else Cause.UNREACHABLE,
                f"{what}: {http_cause(getattr(err, 'reason', None) or err)}",
            )
        if restarts and _pods(workload) == 0:
            problem = "it is scaled to 0 pods, so nothing was restarted; start the agent, or scale it to 1"
            return Failed(Cause.REFUSED, f"{what}: {problem}")
        return Done(done)

    def _client(self) -> Any:
        from kubernetes.client import ApiClient, Configuration
        from kubernetes.config import load_incluster_config, load_kube_config

        configuration = Configuration()
        if self.kubeconfig:
            load_kube_config(self.kubeconfig, client_configuration=configuration)
        else:
            load_incluster_config(client_configuration=configuration)
        configuration.retries = False  # whoever called tries again, not the library
        client = ApiClient(configuration)
        client.rest_client.pool_manager.pool_classes_by_scheme = POOLS
        return client


def _restarted_now() -> dict[str, Any]:
    return {"spec": {"template": {"metadata": {"annotations": {ANNOTATION: format_time(system_clock())}}}}}


def _scaled_to(pods: int) -> dict[str, Any]:
    return {"spec": {"replicas": pods}}


def _pods(workload: bytes) -> int | None:
    """`spec.replicas` of a workload; None where it cannot be read."""
    try:
        pods = json.loads(workload)["spec"]["replicas"]
    except (ValueError, LookupError, TypeError):
        return None
    return pods if isinstance(pods, int) else None
