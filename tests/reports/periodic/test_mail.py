"""Reports by mail, through a real conversation with a server that asks for TLS and a login."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from nervesys.settings.reports import MailSettings, ReportFormat, Tls
from reports.periodic.mail import MailFailed, message, send
from reports.periodic.model import Figure, PeriodicReport, ReportAnswer, Tone, ValueKind
from tests.servers.s3 import free_port
from tests.servers.smtp import PASSWORD, REFUSED, USER, Mailbox, mail_server

REPORT = PeriodicReport(
    title="Daily report",
    period="Tuesday, 10 March 2026",
    noun="day",
    made=1_773_200_000,
    currency="USD",
    answers=(ReportAnswer("Was the fleet healthy?", "Yes. שלום", Tone.GOOD),),
    figures=(Figure("Cost of tokens", ValueKind.MONEY, 12.5, 10),),
    sections=(),
    notes=(),
    panels=None,
)
FILES = {ReportFormat.PDF: b"%PDF-1.7", ReportFormat.HTML: "<p>שלום".encode(), ReportFormat.XLSX: b"PK\x03\x04"}


def settings(port: int, **changes: object) -> MailSettings:
    fields = {
        "to": ("operators@example.org", "dana@example.org"),
        "sender": "nervesys@example.org",
        "host": "127.0.0.1",
        "port": port,
        "tls": Tls.STARTTLS,
        "user": USER,
        "password": SecretStr(PASSWORD),
        "timeout_seconds": 10,
    }
    return MailSettings.model_validate(fields | changes)


def sent(box: Mailbox, **changes: object) -> None:
    mail = settings(box.port, **changes)
    send(mail, message(REPORT, mail, "daily-2026-03-10", FILES))


@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.IMPLICIT])
def test_text_and_files_arrive_by_tls_after_a_login(tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server(tmp_path, implicit=tls is Tls.IMPLICIT) as box:
        monkeypatch.setenv("SSL_CERT_FILE", str(box.certificate))
        sent(box, tls=tls)
    assert box.secret == [True]
    (message,) = box.taken
    assert message["Subject"] == "Daily report: Tuesday, 10 March 2026"
    assert message["To"] == "operators@example.org, dana@example.org"
    text = message.get_body(("plain",))
    assert text
    assert "Was the fleet healthy?\r\nYes. שלום" in text.get_content()
    assert "Cost of tokens: USD 12.50 (▲ 25 %)" in text.get_content()
    attached = {part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()}
    assert attached == {f"daily-2026-03-10.{form}": body for form, body in FILES.items()}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"password": SecretStr("wrong")}, "user and password rejected \\(535\\)"),
        ({"to": (REFUSED,)}, "recipients rejected: nobody@example.org"),
        ({"to": (REFUSED, "dana@example.org")}, f"recipients rejected: {REFUSED}"),
    ],
)
def test_what_the_server_rejects_is_reported_without_the_password(
    changes: dict[str, object], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mail_server(tmp_path) as box:
        monkeypatch.setenv("SSL_CERT_FILE", str(box.certificate))
        with pytest.raises(MailFailed, match=problem) as caught:
            sent(box, **changes)
    assert PASSWORD not in repr(caught.value)
    assert "wrong" not in str(caught.value)


def test_no_stranger_gets_the_password(tmp_path: Path) -> None:
    with mail_server(tmp_path) as box, pytest.raises(MailFailed, match="the TLS certificate is not trusted"):
        sent(box)
    assert not box.taken


def test_an_unavailable_server_is_reported() -> None:
    mail = settings(free_port())
    with pytest.raises(MailFailed, match="Connection refused"):
        send(mail, message(REPORT, mail, "x", FILES))
