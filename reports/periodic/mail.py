"""Sends a report by mail: the answers of the first page as text, the files attached."""

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from nervesys.contract.times import utc
from nervesys.errors import NervesysError
from nervesys.settings.reports import MailSettings, ReportFormat, Tls
from reports.periodic.model import Report
from reports.periodic.words import said, trend

TYPES = {
    ReportFormat.PDF: ("application", "pdf"),
    ReportFormat.HTML: ("text", "html"),
    ReportFormat.XLSX: ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


class MailFailed(NervesysError):
    """The mail server could not be reached, or refused the message."""


def message(report: Report, mail: MailSettings, name: str, files: Mapping[ReportFormat, bytes]) -> EmailMessage:
    """Compose the message.

    Args:
        report: the report.
        mail: sender and recipients.
        name: name of the attached files, without suffix.
        files: attachments.
    """
    one = EmailMessage()
    one["Subject"] = f"{report.title}: {report.period}"
    one["From"], one["To"] = mail.sender, ", ".join(mail.to)
    one["Date"] = format_datetime(utc(report.made))
    one["Message-ID"] = make_msgid(domain=mail.sender.partition("@")[2])
    one.set_content(_text(report))
    for form, body in files.items():
        kind, below = TYPES[form]
        one.add_attachment(body, maintype=kind, subtype=below, filename=f"{name}.{form}")
    return one


def send(mail: MailSettings, one: EmailMessage) -> None:
    """Send a message.

    Raises:
        MailFailed: with the cause; never with the password.
    """
    context, seconds = ssl.create_default_context(), mail.timeout_seconds
    try:
        if mail.tls is Tls.IMPLICIT:
            server: smtplib.SMTP = smtplib.SMTP_SSL(mail.host, mail.port, timeout=seconds, context=context)
        else:
            server = smtplib.SMTP(mail.host, mail.port, timeout=seconds)
        with server:
            if mail.tls is Tls.STARTTLS:
                server.starttls(context=context)
            if mail.user and mail.password:
                server.login(mail.user, mail.password.get_secret_value())
            refused = server.send_message(one)
    except smtplib.SMTPAuthenticationError as err:
        raise MailFailed(f"mail by {mail.host}: it refuses user and password ({err.smtp_code})") from None
    except (OSError, smtplib.SMTPException) as err:
        raise MailFailed(f"mail by {mail.host}:{mail.port}: {type(err).__name__}: {_short(err)}") from err
    if refused:
        raise MailFailed(f"mail by {mail.host}: it takes nothing for {', '.join(sorted(refused))}")


def _text(report: Report) -> str:
    answers = (f"{one.question}\n{one.words}\n" for one in report.answers)
    figures = (
        f"{one.title}: {said(one.value, one.kind, report.currency)}" + (f" ({trend(one)[0]})" if trend(one)[0] else "")
        for one in report.figures
    )
    return "\n".join([f"{report.title}, {report.period}\n", *answers, *figures, "", *report.notes])


def _short(err: Exception) -> str:
    return str(err).splitlines()[0][:200] if str(err) else "no reason given"
