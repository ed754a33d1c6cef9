"""Sessions of operators who signed in to the page. The journal holds digests, from which no cookie can be made."""

from sqlalchemy import Connection, delete, insert, select

from alerting.journal.tables import sessions


def open_session(connection: Connection, id_: str, signature: str, now: float, until: float) -> None:
    """Keep a session until an instant, and delete those that ended.

    Args:
        connection: an open transaction.
        id_: digest of the cookie.
        signature: made with the receivers' token; with another token, the session is not valid.
        now: Unix seconds.
        until: Unix seconds.
    """
    connection.execute(delete(sessions).where(sessions.c.until <= now))
    connection.execute(insert(sessions).values(id=id_, signature=signature, until=until))


def read_signature(connection: Connection, id_: str, now: float) -> str | None:
    """The signature of a session that has not ended; None where there is none."""
    mine = (sessions.c.id == id_, sessions.c.until > now)
    signature: str | None = connection.execute(select(sessions.c.signature).where(*mine)).scalar_one_or_none()
    return signature


def close_session(connection: Connection, id_: str) -> None:
    """End a session."""
    connection.execute(delete(sessions).where(sessions.c.id == id_))
