"""Sends a report by mail: the first page as HTML and as text, the files attached."""

import smtplib
import ssl
from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from nervesys.clients.bounded_smtp import smtp
from nervesys.clients.http_errors import cause
from nervesys.contract.times import utc
from nervesys.errors import NervesysError
from nervesys.settings.reports import MailSettings, ReportFormat, Tls
from reports.periodic.formatting import format_value, trend
from reports.periodic.mail_html import ROWS, SHOWN, mail_body
from reports.periodic.model import PeriodicReport, ReportSection

TYPES = {
    ReportFormat.PDF: ("application", "pdf"),
    ReportFormat.HTML: ("text", "html"),
    ReportFormat.XLSX: ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
TIMEOUTS = 10
"""How often the time limit of a read may pass for a whole mail, with its attachments."""


class MailFailed(NervesysError):
    """The mail server could not be reached, or refused the message."""


def message(report: PeriodicReport, mail: MailSettings, name: str, files: Mapping[ReportFormat, bytes]) -> EmailMessage:
    """Compose the message.

    Args:
        report: the report.
        mail: sender and recipients.
        name: name of the attached files, without suffix.
        files: attachments.
    """
    email = EmailMessage()
    email["Subject"] = f"{report.title}: {report.period}"
    email["From"], email["To"] = mail.sender, ", ".join(mail.to)
    email["Date"] = format_datetime(utc(report.made))
    email["Message-ID"] = make_msgid(domain=mail.sender.partition("@")[2])
    email.set_content(_text(report))
    body = mail_body(report)
    email.add_alternative(body.html, subtype="html")
    html_part = email.get_body(("html",))
    assert isinstance(html_part, EmailMessage), "it was just added"
    for picture, content in body.pictures.items():
        html_part.add_related(
            content,
            "image",
            "png",
            cid=f"<{picture}>",
            filename=f"{picture.partition('@')[0]}.png",
            disposition="inline",
        )
    for form, content in files.items():
        kind, below = TYPES[form]
        email.add_attachment(content, maintype=kind, subtype=below, filename=f"{name}.{form}")
    return email


def send(mail: MailSettings, email: EmailMessage) -> None:
    """Send a message.

    Raises:
        MailFailed: with the cause; never with the password.
    """
    context, seconds = ssl.create_default_context(), mail.timeout_seconds
    try:
        implicit = context if mail.tls is Tls.IMPLICIT else None
        with smtp(mail.host, mail.port, seconds, TIMEOUTS * seconds, implicit) as server:
            if mail.tls is Tls.STARTTLS:
                server.starttls(context=context)
            if mail.user and mail.password:
                server.login(mail.user, mail.password.get_secret_value())
            refused = server.send_message(email)
    except smtplib.SMTPAuthenticationError as err:
        raise MailFailed(f"mail by {mail.host}: user and password rejected ({err.smtp_code})") from None
    except (OSError, smtplib.SMTPException) as err:
        raise MailFailed(f"mail by {mail.host}:{mail.port}: {_describe(err)}") from err
    if refused:
        raise MailFailed(f"mail by {mail.host}: recipients rejected: {', '.join(sorted(refused))}")


def _text(report: PeriodicReport) -> str:
    answers = (f"{answer.question}\n{answer.text}\n" for answer in (*report.answers, *report.highlights))
    figures = (
        f"{figure.title}: {format_value(figure.value, figure.kind, report.currency)}"
        + (f" ({trend(figure)[0]})" if trend(figure)[0] else "")
        for figure in report.figures
    )
    sections = (line for section in report.sections if section.title in SHOWN for line in _section_text(section))
    text = "\n".join([f"{report.title}, {report.period}\n", *answers, *figures, *sections, "", *report.notes])
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")  # which no mail may contain (RFC 5322, 3.5)


def _section_text(section: ReportSection) -> Iterator[str]:
    yield f"\n{section.title}"
    rows = section.table.rows if section.table else ()
    if not rows:
        yield section.nothing
    for row in rows[:ROWS]:
        assert section.table, "it has rows"
        first, *others = zip(section.table.columns, row.values, strict=True)
        yield f"- {format_value(first[1], first[0].kind)}{f' <{row.link}>' if row.link else ''}"
        yield "  " + "; ".join(f"{column.title}: {format_value(value, column.kind)}" for column, value in others)
    if len(rows) > ROWS:
        yield f"and {len(rows) - ROWS} more, in the attached files"


def _describe(err: Exception) -> str:
    """The reason in words; a server's own text may quote what was sent to it."""
    match err:
        case smtplib.SMTPRecipientsRefused():
            return f"recipients rejected: {', '.join(sorted(err.recipients))}"
        case smtplib.SMTPResponseException():
            return f"the server answered with code {err.smtp_code}"
        case smtplib.SMTPServerDisconnected():
            return "the server closed the connection"
        case smtplib.SMTPException():
            return str(err)[:200]
        case _:
            return cause(err)
