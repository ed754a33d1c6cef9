"""The pages of every program: one text in two encodings, health, readiness, and who may look.

Covers: nervesys.metrics.http_headers, nervesys.settings.web.
"""

import gc
import gzip
import time
import zlib
from base64 import b64encode
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.testclient import TestClient

from nervesys.errors import SettingsError
from nervesys.metrics import EMPTY, MetricsSnapshot
from nervesys.metrics.http_server import BoundedServer
from nervesys.metrics.pages import HttpProgram, application, serve
from nervesys.metrics.snapshot import pack
from nervesys.settings import Web
from nervesys.settings.rotating_secret import SecretFromFile, previous_file
from nervesys.settings.rotation import OwnSecret, rotate
from tests.audit_events import audited_events
from tests.servers.certificates import certify

PARTS = [MetricsSnapshot.of(b"a 1\n" * 1000, 1), EMPTY, MetricsSnapshot.of(b"b 2\n", 1)]


def client(why: str | None = None, web: Web | None = None) -> TestClient:
    program = HttpProgram("toy <exporter>", "A toy.", lambda: MetricsSnapshot.concatenate(PARTS), lambda: why)
    return TestClient(application(program, web or Web()))


def test_parts_join_into_one_gzip_member() -> None:
    joined = MetricsSnapshot.concatenate(PARTS)
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert reader.decompress(joined.gzipped) == joined.plain
    assert reader.eof, "whole at the end of the first member: browsers and curl read no second"
    assert (reader.unused_data, joined.series) == (b"", 2)


def test_nothing_is_a_whole_answer_too() -> None:
    assert gzip.decompress(EMPTY.gzipped) == b""


@pytest.mark.parametrize(
    ("accepts", "encoding"),
    [
        ("gzip", "gzip"),
        ("identity", None),
        ("", None),
        ("gzip;q=0", None),
        ("gzip; q=0.000, identity", None),
        ("br, GZIP;q=0.5", "gzip"),
        ("*", "gzip"),
        ("*;q=0", None),
        ("*;q=0, gzip", "gzip"),
        ("gzip;q=0, *", None),
        ("not-gzip", None),
    ],
)
def test_a_scrape_gets_the_encoding_it_asks_for(accepts: str, encoding: str | None) -> None:
    answer = client().get("/metrics", headers={"accept-encoding": accepts})
    assert answer.headers.get("content-encoding") == encoding
    assert answer.content == MetricsSnapshot.concatenate(PARTS).plain
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


def test_ready_says_why_not() -> None:
    assert client().get("/-/ready").status_code == 200
    answer = client("agents: list db/agents/: timed out").get("/-/ready")
    assert (answer.status_code, answer.text) == (503, "agents: list db/agents/: timed out\n")
    assert client("not yet").get("/-/healthy").status_code == 200


def test_the_landing_page_links_what_there_is_and_escapes_what_it_shows() -> None:
    page = client("<b>away</b>").get("/").text
    assert 'href="/metrics"' in page
    assert "toy &lt;exporter&gt;" in page
    assert "<b>away" not in page


def test_wrong_passwords_are_audited_and_first_requests_of_browsers_are_not() -> None:
    guarded = client(web=Web(basic_auth_user="ada", basic_auth_password=SecretStr("pw")))
    with audited_events() as events:
        guarded.get("/")
        guarded.get("/", auth=("ada", "wrong"))
        guarded.get("/", auth=("ada", "pw"))
    assert events == [("sign_in", "denied", "unknown", "pages of toy <exporter>")]


def test_basic_auth_accepts_a_rotated_password_and_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "web_password"
    file.write_text("before")
    guarded = client(web=Web(basic_auth_user="ada", basic_auth_password=SecretFromFile(file)))
    rotate(OwnSecret("web_password", file), time.time(), 600)
    assert guarded.get("/", auth=("ada", "before")).status_code == 200
    assert guarded.get("/", auth=("ada", file.read_text())).status_code == 200
    previous_file(file).unlink()
    assert guarded.get("/", auth=("ada", "before")).status_code == 401


def test_basic_auth_guards_all_but_health() -> None:
    guarded = client(web=Web(basic_auth_user="ada", basic_auth_password=SecretStr("pw")))
    assert guarded.get("/-/healthy").status_code == 200
    assert guarded.get("/metrics").status_code == 401
    assert guarded.get("/metrics", auth=("ada", "wrong")).status_code == 401
    assert guarded.get("/metrics", headers={"authorization": "Basic not-base64"}).status_code == 401
    assert guarded.get("/metrics", auth=("ada", "pw")).status_code == 200


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_password_with_an_umlaut_matches_however_it_is_encoded(encoding: str) -> None:
    guarded = client(web=Web(basic_auth_user="ada", basic_auth_password=SecretStr("pässword")))
    credentials = b64encode("ada:pässword".encode(encoding)).decode()
    assert guarded.get("/metrics", headers={"authorization": f"Basic {credentials}"}).status_code == 200
    wrong = b64encode(b"ada:p?ssword").decode()
    assert guarded.get("/metrics", headers={"authorization": f"Basic {wrong}"}).status_code == 401


@pytest.mark.parametrize(
    ("web", "key"),
    [
        (Web(basic_auth_user="ada"), "web.basic_auth_password"),
        (Web(basic_auth_password=SecretStr("pw")), "web.basic_auth_user"),
        (Web(tls_key_file="/etc/tls.key"), "web.tls_cert_file"),
    ],
)
def test_what_is_half_set_is_an_error(web: Web, key: str) -> None:
    with pytest.raises(SettingsError, match=key):
        client(web=web)


@pytest.mark.parametrize("path", ["/metrics", "/none", "/-/ready", "/metrics/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_response_lets_a_browser_guess_its_type(path: str, method: str) -> None:
    guarded = client("away", Web(basic_auth_user="ada", basic_auth_password=SecretStr("pw")))
    for password in ("wrong", "pw"):
        response = guarded.request(method, path, auth=("ada", password), follow_redirects=False)
        assert response.headers["x-content-type-options"] == "nosniff"
        assert not 300 <= response.status_code < 400, "a redirect would be built from the Host header"


def test_a_bug_is_answered_without_its_words() -> None:
    def broken() -> MetricsSnapshot:
        raise RuntimeError("secret")

    program = HttpProgram("toy", "A toy.", broken, lambda: None)
    response = TestClient(application(program, Web()), raise_server_exceptions=False).get("/metrics")
    assert (response.status_code, response.text) == (500, "internal error\n")
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("wrong", ["tls_cert_file", "tls_key_file"])
def test_tls_files_that_cannot_be_used_are_named(tmp_path: Path, wrong: str) -> None:
    good = {"tls_cert_file": str(tmp_path / "tls.crt"), "tls_key_file": str(tmp_path / "tls.key")}
    certify(Path(good["tls_cert_file"]), Path(good["tls_key_file"]))
    with pytest.raises(SettingsError, match=f"web.tls_cert_file: load .*{tmp_path}/none"):
        serve(Starlette(), "127.0.0.1:1", Web.model_validate({**good, wrong: f"{tmp_path}/none"}))


def test_what_a_program_holds_from_its_start_is_not_walked_while_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen: list[int] = []

    def run(server: BoundedServer, sockets: object) -> None:
        assert sockets
        server.started = True
        frozen.append(gc.get_freeze_count())

    monkeypatch.setattr(BoundedServer, "run", run)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    try:
        serve(Starlette(), "127.0.0.1:0", Web())
    finally:
        gc.unfreeze()
    assert frozen[0] > len(gc.get_objects()) / 2


@pytest.mark.parametrize(
    ("accepts", "open_metrics"), [("application/openmetrics-text;version=1.0.0", True), ("*/*", False)]
)
def test_exemplars_are_shown_to_whoever_asks_for_open_metrics(accepts: str, open_metrics: bool) -> None:
    text = b"# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total 3\n"
    snapshot = MetricsSnapshot((pack(text),), 1, {"calls_total": '{trace_id="aa"} 1 2'})
    program = HttpProgram("toy", "A toy.", lambda: snapshot, lambda: None)
    answer = TestClient(application(program, Web())).get("/metrics", headers={"accept": accepts, "accept-encoding": ""})
    shown = '# HELP calls Calls.\n# TYPE calls counter\ncalls_total 3 # {trace_id="aa"} 1 2\n# EOF\n'
    assert answer.text == (shown if open_metrics else text.decode())
    assert answer.headers["content-type"].startswith("application/openmetrics-text") == open_metrics
