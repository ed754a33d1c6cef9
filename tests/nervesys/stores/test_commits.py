"""Texts of commits, whatever their `encoding` header declares."""

from pathlib import Path

import pygit2
import pytest
from pygit2.enums import ObjectType

from nervesys.stores.brain import GitBrain
from tests.brains import NOON, write


@pytest.mark.parametrize(
    ("encoding", "raw", "text"),
    [
        pytest.param(b"ISO-8859-1", "Änderung".encode("latin-1"), "Änderung", id="as declared"),
        pytest.param(b"utf-8", "Änderung".encode("latin-1"), "\ufffdnderung", id="wrong"),
        pytest.param(b"klingon", "Änderung".encode(), "Änderung", id="unknown"),
        pytest.param(b"zlib", b"plain", "plain", id="no encoding of text"),
        pytest.param(b"undefined", b"plain", "plain", id="always fails"),
        pytest.param(b"\xff\xfe", b"plain", "plain", id="no text itself"),
    ],
)
def test_a_message_is_decoded(tmp_path: Path, encoding: bytes, raw: bytes, text: str) -> None:
    remote = tmp_path / "brain.git"
    write(remote, {"config/agents/grok.yaml": b"agent: {}\n"})
    repo = pygit2.Repository(str(remote))
    tree = str(repo.branches["main"].peel(pygit2.Commit).tree_id).encode()
    who = raw + b" <a@example.org> %d +0000" % NOON
    body = b"tree %s\nauthor %s\ncommitter %s\nencoding %s\n\n%s\nmore\n" % (tree, who, who, encoding, raw)
    repo.references.create("refs/heads/main", repo.write(ObjectType.COMMIT, body), force=True)
    brain = GitBrain(str(remote), tmp_path / "mirror", timeout_seconds=30)
    brain.fetch()
    (commit,) = brain.log("main")
    assert (commit.subject, commit.author, commit.time) == (text, text, NOON)
    assert commit.changed_files("config") == ["config/agents/grok.yaml"]
