"""Sends messages by mail, as Alertmanager does: STARTTLS where the channel requires it, TLS at once on port 465."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from pydantic import SecretStr

from alerting.messages.message import SECONDS, Message, MessageFailed
from alerting.model import EmailChannel
from nervesys.clients.bounded_smtp import smtp
from nervesys.clients.http_errors import cause

TLS_PORT = 465
TOTAL_SECONDS = 3 * SECONDS
"""For a whole mail: servers delay their greeting."""
PERMANENT = range(500, 600)
"""Codes of SMTP after which no other attempt succeeds."""


def send(message: Message, channel: EmailChannel, password: SecretStr | None) -> str:
    """Send a message.

    Raises:
        MessageFailed: it was not accepted.
    """
    host, _, port = channel.smarthost.rpartition(":")
    context = ssl.create_default_context()
    try:
        with smtp(host, int(port), SECONDS, TOTAL_SECONDS, context if int(port) == TLS_PORT else None) as server:
            if channel.require_tls and int(port) != TLS_PORT:
                server.starttls(context=context)
            if channel.auth_username and password:
                server.login(channel.auth_username, password.get_secret_value())
            server.send_message(compose(message, channel))
    except smtplib.SMTPResponseException as err:
        permanent = err.smtp_code in PERMANENT
        raise MessageFailed(f"mail by {channel.smarthost}: code {err.smtp_code}", permanent=permanent) from None
    except smtplib.SMTPRecipientsRefused:
        raise MessageFailed(f"mail by {channel.smarthost}: recipients rejected", permanent=True) from None
    except (OSError, ValueError, smtplib.SMTPException) as err:
        raise MessageFailed(f"mail by {channel.smarthost}: {cause(err)}") from None
    return ""


def compose(message: Message, channel: EmailChannel) -> EmailMessage:
    """The mail; no line of it can become a header."""
    email = EmailMessage()
    email["Subject"] = " ".join(message.title.split())
    email["From"], email["To"] = channel.sender, channel.to
    email["Date"] = formatdate()
    email["Message-ID"] = make_msgid(domain=channel.sender.rpartition("@")[2])
    links = [f"{button.label}: {button.url}" for button in message.buttons]
    email.set_content("\n\n".join(filter(None, (message.title, message.text, *links, message.url))))
    return email
