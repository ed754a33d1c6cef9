"""A small Grafana for tests: keeps what it is given, by the documented HTTP API of Grafana 11.

https://grafana.com/docs/grafana/latest/developers/http_api/ has the paths, https://grafana.com/docs/grafana/latest/
developers/http_api/alerting_provisioning/ those of alerting.
"""

import copy
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "glsa_of-this-test"  # a made-up token
SECRET_SETTINGS = ("url", "authorization_credentials", "bottoken")
Json = dict[str, Any]
Response = tuple[int, Any]


class GrafanaServer:
    """What it holds.

    Attributes:
        writes: method and path of every request that was no GET, in their order.
    """

    def __init__(self) -> None:
        self.folders: dict[str, Json] = {}
        self.datasources: dict[str, Json] = {}
        self.dashboards: dict[str, Json] = {}
        self.contacts: dict[str, Json] = {}
        self.rules: dict[str, Json] = {}
        self.intervals: dict[tuple[str, str], int] = {}
        self.policies: Json = {"receiver": "grafana-default-email", "group_by": ["alertname"]}
        self.writes: list[tuple[str, str]] = []
        self.url = ""

    def respond(self, method: str, path: str, body: Any) -> Response:
        """The response to a request without its query."""
        if method != "GET":
            self.writes.append((method, path))
        for pattern, answer in self._routes().items():
            verb, _, form = pattern.partition(" ")
            if verb == method and (found := re.fullmatch(form, path)):
                return answer(*found.groups(), body)
        return 404, {"message": "Not found"}

    def _routes(self) -> dict[str, Callable[..., Response]]:
        alerting = "/api/v1/provisioning"
        return {
            "GET /api/folders/([^/]+)": lambda uid, _: self._found(self.folders.get(uid)),
            "POST /api/folders": lambda body: self._keep(self.folders, body["uid"], body),
            "PUT /api/folders/([^/]+)": lambda uid, body: self._keep(self.folders, uid, {"uid": uid, **body}),
            "GET /api/datasources/uid/([^/]+)": lambda uid, _: self._found(self.datasources.get(uid)),
            "POST /api/datasources": lambda body: self._keep(self.datasources, body["uid"], body),
            "PUT /api/datasources/uid/([^/]+)": lambda uid, body: self._keep(self.datasources, uid, body),
            "GET /api/dashboards/uid/([^/]+)": lambda uid, _: self._found(self.dashboards.get(uid)),
            "POST /api/dashboards/db": self._write_dashboard,
            "DELETE /api/dashboards/uid/([^/]+)": lambda uid, _: self._drop(self.dashboards, uid),
            "GET /api/search": lambda _: (200, [self._row(uid) for uid in self.dashboards]),
            f"GET {alerting}/contact-points": lambda _: (200, [_redacted(point) for point in self.contacts.values()]),
            f"POST {alerting}/contact-points": lambda body: self._keep(self.contacts, body["uid"], body),
            f"PUT {alerting}/contact-points/([^/]+)": lambda uid, body: self._keep(self.contacts, uid, body),
            f"DELETE {alerting}/contact-points/([^/]+)": self._delete_contact,
            f"GET {alerting}/policies": lambda _: (200, {**self.policies, "provenance": "api"}),
            f"PUT {alerting}/policies": self._write_policies,
            f"GET {alerting}/alert-rules": lambda _: (200, list(self.rules.values())),
            f"DELETE {alerting}/alert-rules/([^/]+)": lambda uid, _: self._drop(self.rules, uid),
            f"GET {alerting}/folder/([^/]+)/rule-groups/([^/]+)": self._read_group,
            f"PUT {alerting}/folder/([^/]+)/rule-groups/([^/]+)": self._write_group,
        }

    @staticmethod
    def _found(item: Json | None) -> Response:
        return (200, item) if item else (404, {"message": "not found"})

    @staticmethod
    def _keep(items: dict[str, Json], uid: str, body: Json) -> Response:
        items[uid] = body
        return 200, body

    @staticmethod
    def _drop(items: dict[str, Json], uid: str) -> Response:
        return (200, {}) if items.pop(uid, None) else (404, {"message": "not found"})

    def _row(self, uid: str) -> Json:
        kept = self.dashboards[uid]
        return {"uid": uid, "folderUid": kept["meta"]["folderUid"], "tags": kept["dashboard"]["tags"]}

    def _write_dashboard(self, body: Json) -> Response:
        if body["folderUid"] not in self.folders:
            return 400, {"message": "folder not found"}
        page = body["dashboard"]
        version = self.dashboards.get(page["uid"], {}).get("dashboard", {}).get("version", 0) + 1
        self.dashboards[page["uid"]] = {
            "dashboard": {**page, "id": 7, "version": version},
            "meta": {"folderUid": body["folderUid"]},
        }
        return 200, {"status": "success"}

    def _delete_contact(self, uid: str, _: object) -> Response:
        if self.contacts[uid]["name"] in json.dumps(self.policies):
            return 409, {"message": "contact point is in use"}
        return self._drop(self.contacts, uid)

    def _write_policies(self, body: Json) -> Response:
        names = {point["name"] for point in self.contacts.values()} | {"grafana-default-email"}
        missing = set(re.findall(r'"receiver": "([^"]+)"', json.dumps(body))) - names
        if missing:
            return 400, {"message": f"receiver {min(missing)} does not exist"}
        self.policies = body
        return 202, {"message": "policies updated"}

    def _read_group(self, folder: str, group: str, _: object) -> Response:
        rules = [rule for rule in self.rules.values() if (rule["folderUID"], rule["ruleGroup"]) == (folder, group)]
        head = {"title": group, "folderUid": folder, "interval": self.intervals.get((folder, group), 60)}
        return (200, {**head, "rules": rules}) if rules else (404, {"message": "rule group not found"})

    def _write_group(self, folder: str, group: str, body: Json) -> Response:
        if folder not in self.folders:
            return 400, {"message": "folder not found"}
        self.rules = {
            uid: rule for uid, rule in self.rules.items() if (rule["folderUID"], rule["ruleGroup"]) != (folder, group)
        }
        self.rules |= {rule["uid"]: {**rule, "id": 1, "provenance": "api"} for rule in body["rules"]}
        self.intervals[folder, group] = body["interval"]
        return 200, body


def _redacted(point: Json) -> Json:
    shown = copy.deepcopy(point)
    for key in SECRET_SETTINGS:
        if key in shown["settings"] and not (key == "url" and shown["type"] == "webhook"):
            shown["settings"][key] = "[REDACTED]"
    return shown


@contextmanager
def grafana() -> Iterator[GrafanaServer]:
    """Run one until the block is left."""
    kept = GrafanaServer()

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
            status, content = (
                kept.respond(self.command, self.path.partition("?")[0], body) if known else (401, {"message": "no"})
            )
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            self._handle()

        def do_POST(self) -> None:
            self._handle()

        def do_PUT(self) -> None:
            self._handle()

        def do_DELETE(self) -> None:
            self._handle()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
