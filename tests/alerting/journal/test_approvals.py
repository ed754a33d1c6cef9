"""Approvals in the journal, on both databases, with several receivers."""

from threading import Thread

from alerting.journal import Journal, approvals
from alerting.journal.approvals import Answer, Approval
from alerting.journal.retention import delete_ended
from tests.alerting.journal.kit import DOWN, newest, take

CHANNELS = ("slack", "telegram")


def ask(journal: Journal) -> Approval:
    take(journal, DOWN)
    episode = newest(journal)
    with journal.alone() as connection:
        return approvals.ask(connection, episode.id, CHANNELS, 100, 3700)


def test_a_question_takes_one_answer_of_many_at_once(journal: Journal) -> None:
    asked, taken = ask(journal), list[Answer]()

    def answer(choice: Answer) -> None:
        with journal.transaction() as connection:
            if approvals.end(connection, asked.id, choice, "grace", 200):
                taken.append(choice)

    threads = [Thread(target=answer, args=[choice]) for choice in (Answer.APPROVE, Answer.REFUSE, Answer.SILENCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with journal.transaction() as connection:
        found = approvals.find(connection, asked.nonce)
        assert approvals.count_open(connection) == 0
    assert found is not None
    assert ([found.outcome], found.ended_by) == (taken, "grace")


def test_each_message_is_claimed_by_one_receiver_and_again_once_its_lease_is_over(journal: Journal) -> None:
    asked = ask(journal)
    with journal.alone() as connection:
        first = approvals.claim_messages(connection, 100, 160)
        assert approvals.claim_messages(connection, 100, 160) == []
        assert approvals.channels_asked(connection) == set(), "none was sent yet"
        approvals.settle_message(connection, first[0].id, 101, reference="", due_at=None)
        approvals.settle_message(connection, first[1].id, 101, reference="77", due_at=None)
        assert approvals.channels_asked(connection) == {"telegram"}
        approvals.end(connection, asked.id, Answer.EXPIRED, "nobody", 3700)
        assert approvals.channels_asked(connection) == set()
    with journal.alone() as connection:
        second = approvals.claim_messages(connection, 3700, 3760)
        again = approvals.claim_messages(connection, 3761, 3821)
    assert [(message.channel, message.asks, message.reference) for message in second] == [
        ("slack", False, ""),
        ("telegram", False, "77"),
    ]
    assert [message.id for message in again] == [message.id for message in second]


def test_the_updates_of_a_bot_are_read_by_one_receiver(journal: Journal) -> None:
    with journal.alone() as connection:
        assert approvals.lease_updates(connection, "1", "me", 100, 160) == 0
        assert approvals.lease_updates(connection, "1", "you", 150, 210) is None
        approvals.keep_updates(connection, "1", "me", 155, 10_000_000_000)
        assert approvals.lease_updates(connection, "1", "you", 156, 216) == 10_000_000_000


def test_old_questions_go_with_their_episodes(journal: Journal) -> None:
    asked = ask(journal)
    with journal.alone() as connection:
        approvals.end_open(connection, asked.episode_id, Answer.UNNEEDED, "it is well", 200)
        connection.exec_driver_sql("UPDATE episodes SET closed_at = 200, state = 'skipped'")
        connection.exec_driver_sql("UPDATE records SET closed_at = 200")
    with journal.alone() as connection:
        delete_ended(connection, 10_000)
        assert approvals.newest_of(connection, [1]) == {}
        for table in ("approvals", "approval_messages", "episodes"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() == 0
