"""The `git` program, run for what only it does safely: fetch and push.

Its receiving end compares and swaps, so that no push of several at once is lost. It is run without a shell, without
anybody's configuration, never asks, and is killed with all its children when its time is up. Credentials reach it
by its environment alone: not by argv, not by the URL, not by the mirror's configuration.
"""

import os
import signal
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from nervesys.errors import BrainUnavailable

KEPT = {"GIT_CONFIG_GLOBAL", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO"}
"""Variables of git's own that an operator may set; any other would be a surprise."""
UNWANTED = ("could not read Username", "Authentication failed")
"""How an https host's refusal is told, by a git that may not ask for a login."""
BEHIND = ("[rejected]", "failed to update ref", "cannot lock ref", "reference already exists", "incorrect old value")
"""How a push that came second is told, by the sending and by the receiving end."""


class PushRefused(BrainUnavailable):
    """Somebody else pushed first: fetch, build on the new tip, and push again."""


@dataclass(frozen=True)
class Remote:
    """A repository elsewhere.

    Attributes:
        url: without credentials, so that it may be shown.
        login: `user:password` for https; empty where none is needed.
    """

    url: str
    login: str = field(default="", repr=False)

    @classmethod
    def of(cls, url: str, token: str | None = None) -> "Remote":
        """From a URL that may itself carry credentials, which are taken out of it, and a token that wins over them.

        Raises:
            BrainUnavailable: it is no URL.
        """
        try:
            parts = urlsplit(url)
        except ValueError as err:
            raise BrainUnavailable(f"open the brain: {err}") from err
        said, at, host = parts.netloc.rpartition("@")
        if parts.scheme not in {"http", "https"}:
            return cls(url)
        if token:
            return cls(urlunsplit(parts._replace(netloc=host)), f"x-access-token:{token}")
        user, _, password = said.partition(":")
        return cls(urlunsplit(parts._replace(netloc=host)), f"{unquote(user)}:{unquote(password)}" if at else "")


def environment(remote: Remote, environ: Mapping[str, str], seconds: float) -> dict[str, str]:
    """The environment for git: that of the program without git's own variables, plus what keeps it quiet and safe.

    Args:
        remote: whose login is sent as a header, to its own https host only.
        environ: the program's environment.
        seconds: the time limit, for ssh to give up connecting by itself.
    """
    config = {"gc.autoDetach": "false", "core.hooksPath": os.devnull}
    if remote.login and remote.url.startswith("https://"):
        code = b64encode(remote.login.encode()).decode()
        config[f"http.{remote.url}.extraHeader"] = f"Authorization: Basic {code}"
    pairs = {
        f"GIT_CONFIG_{what}_{index}": text
        for index, pair in enumerate(config.items())
        for what, text in zip(("KEY", "VALUE"), pair, strict=True)
    }
    return {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_SSH_COMMAND": f"ssh -o BatchMode=yes -o ConnectTimeout={max(1, int(seconds))}",
        **{name: value for name, value in environ.items() if not name.startswith("GIT_") or name in KEPT},
        **pairs,
        "GIT_CONFIG_COUNT": str(len(config)),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "file:http:https:ssh",
        "LC_ALL": "C",
    }


def fetch(mirror: Path, remote: Remote, seconds: float, depth: int | None = None) -> None:
    """Bring all branches of a bare mirror to where they are there; branches that are gone there go here.

    Args:
        mirror: the bare repository here.
        remote: the repository there.
        seconds: the time limit.
        depth: commits of each branch; None for all of them.

    Raises:
        BrainUnavailable: git said no, or the time was up.
    """
    options: tuple[str, ...] = ("--prune", "--no-tags", "--no-write-fetch-head", "--quiet")
    if depth is not None:
        options += (f"--depth={depth}",)
    result = _git(mirror, remote, seconds, "fetch", *options, "--", remote.url, "+refs/heads/*:refs/heads/*")
    if result.code:
        raise BrainUnavailable(f"fetch {remote.url}: {result.cause()}")


def push(mirror: Path, remote: Remote, seconds: float, commit: str, branch: str) -> None:
    """Make a commit the tip of a branch there, as a step forward from where that branch is.

    Raises:
        PushRefused: the branch has moved on.
        BrainUnavailable: git said no for another reason, or the time was up.
    """
    result = _git(mirror, remote, seconds, "push", "--porcelain", "--", remote.url, f"{commit}:refs/heads/{branch}")
    if result.code:
        refused = any(sign in result.text for sign in BEHIND)
        raise (PushRefused if refused else BrainUnavailable)(f"push to {branch} of {remote.url}: {result.cause()}")


@dataclass(frozen=True)
class _Result:
    code: int
    text: str

    def cause(self) -> str:
        """The one line that says why."""
        if any(sign in self.text for sign in UNWANTED):
            return "the token is missing, or refused"
        return next(self._telling(), f"exit code {self.code}")

    def _telling(self) -> Iterator[str]:
        lines = [line.strip() for line in self.text.splitlines()]
        for sign in ("!\t", "fatal: ", "error: ", "remote: "):
            yield from (line.removeprefix(sign)[:300] for line in lines if line.startswith(sign))


def _git(mirror: Path, remote: Remote, seconds: float, *arguments: str) -> _Result:
    """Run git on a mirror, in a process group of its own, for its helpers (ssh, https) must die with it."""
    verb = arguments[0]
    try:
        process = subprocess.Popen(
            ["git", "-C", str(mirror), *arguments],
            env=environment(remote, os.environ, seconds),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except FileNotFoundError:
        raise BrainUnavailable(f"{verb} {remote.url}: the program `git` is not installed") from None
    try:
        text, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise BrainUnavailable(f"{verb} {remote.url}: timed out after {seconds:g} s") from None
    return _Result(process.returncode, text)
