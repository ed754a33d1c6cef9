"""Runs the `git` program to fetch and push.

A push updates the branch by compare-and-swap, so that concurrent pushes lose nothing. The program runs without a shell,
without user configuration and without prompts, and is killed with its children on timeout. Credentials are passed in
its environment only: never in argv, the URL, or the mirror's configuration.
"""

import os
import re
import shutil
import signal
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit, urlunsplit

from nervesys.errors import BrainUnavailable

PASSED_VARIABLES = {"GIT_CONFIG_GLOBAL", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO"}
"""Git's own variables that are passed on; all others are removed."""
CREDENTIALS_REFUSED = ("could not read Username", "Authentication failed")
"""Messages of git when an https host refuses the credentials."""
PUSH_CONFLICTS = (
    "[rejected]",
    "failed to update ref",
    "cannot lock ref",
    "reference already exists",
    "incorrect old value",
)
"""Messages of git, on either side, when another push was first."""
NO_BRANCH = "couldn't find remote ref"
"""Message of git when the branch to fetch does not exist."""
HELPER = re.compile(r"-|\w[\w+.-]*::")
"""Begin of a URL that git takes for an option, or for a remote helper such as `ext::COMMAND`."""
LEFTOVERS = ("objects/pack/tmp_*", "*.lock", "refs/**/*.lock")
"""Files that a killed git leaves in a bare repository."""
VERSION_SECONDS = 5
BIG_FILE = "16m"
"""Larger objects are streamed: some hundred kilobytes can unpack to 512 MB, which git would keep in memory."""
SCHEMES = {"file", "http", "https", "ssh", "git+ssh", "ssh+git"}
"""Of URLs that git may be given; `ext::` and other helpers run programs, and `git://` is not encrypted."""


class PushRefused(BrainUnavailable):
    """Another push was first: fetch, build on the new tip, and push again."""


@dataclass(frozen=True)
class Remote:
    """A remote repository.

    Attributes:
        url: without credentials, so that it may be printed.
        login: `user:password` for https; may be empty.
    """

    url: str
    login: str = field(default="", repr=False)

    @classmethod
    def of(cls, url: str, token: str | None = None) -> "Remote":
        """From a URL, whose credentials are removed from it, and a token, which overrides them.

        Raises:
            BrainUnavailable: the URL is invalid, or holds a password that its scheme does not use.
        """
        if HELPER.match(url):
            raise BrainUnavailable(f"open the brain: a URL may not begin with {url.partition('::')[0][:20]!r}")
        if "://" not in url:
            return cls(url)
        try:
            parts = urlsplit(url)
        except ValueError as err:
            raise BrainUnavailable(f"open the brain: {err}") from err
        if parts.scheme not in SCHEMES:
            permitted = ", ".join(sorted(SCHEMES))
            raise BrainUnavailable(f"open the brain: {parts.scheme}:// is not supported; there are: {permitted}")
        userinfo, at, host = parts.netloc.rpartition("@")
        user, colon, password = userinfo.partition(":")
        if parts.scheme not in {"http", "https"}:
            if colon:
                plain = urlunsplit(parts._replace(netloc=f"{user}@{host}"))
                raise BrainUnavailable(
                    f"open the brain: remove the password from the URL {plain}; use a key or an agent"
                )
            return cls(url)
        if token:
            return cls(urlunsplit(parts._replace(netloc=host)), f"x-access-token:{token}")
        return cls(urlunsplit(parts._replace(netloc=host)), f"{unquote(user)}:{unquote(password)}" if at else "")


def environment(remote: Remote, environ: Mapping[str, str], seconds: float) -> dict[str, str]:
    """The environment of git: the process's own, without git's variables, plus safe settings.

    Args:
        remote: its login is sent as a header, only to its own https host.
        environ: environment of this process.
        seconds: time limit, also for ssh to connect.
    """
    config = {"gc.autoDetach": "false", "core.hooksPath": os.devnull, "core.bigFileThreshold": BIG_FILE}
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
        **{name: value for name, value in environ.items() if not name.startswith("GIT_") or name in PASSED_VARIABLES},
        **pairs,
        "GIT_CONFIG_COUNT": str(len(config)),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "file:http:https:ssh",
        "LC_ALL": "C",
    }


def fetch(mirror: Path, remote: Remote, seconds: float, branch: str, ref: str, depth: int | None = None) -> bool:
    """Fetch one branch into a reference of a bare mirror; no other branch can delay it.

    Args:
        mirror: the local bare repository, locked by the caller.
        remote: the remote repository.
        seconds: time limit.
        branch: name of the branch.
        ref: full name of the reference to update.
        depth: number of commits to fetch; None for all.

    Returns:
        Whether the branch exists; if not, the reference is unchanged.

    Raises:
        BrainUnavailable: git failed, or timed out.
    """
    _remove_leftovers(mirror)
    options: tuple[str, ...] = ("--no-tags", "--no-write-fetch-head", "--quiet")
    if depth is not None:
        options += (f"--depth={depth}",)
    result = _git(mirror, remote, seconds, "fetch", *options, "--", remote.url, f"+refs/heads/{branch}:{ref}")
    if result.code and NO_BRANCH in result.text:
        return False
    if result.code:
        raise BrainUnavailable(f"fetch {branch} of {remote.url}: {result.cause()}")
    return True


def conflicting_branches(mirror: Path, remote: Remote, seconds: float, branch: str) -> list[str]:
    """The remote branches whose names exclude a branch: `state/x` or `a` where `state` or `a/state` is missing.

    Raises:
        BrainUnavailable: git failed, or timed out.
    """
    parents = [str(parent) for parent in PurePosixPath(branch).parents][:-1]
    patterns = [f"refs/heads/{name}" for name in (f"{branch}/*", *parents)]
    result = _git(mirror, remote, seconds, "ls-remote", "--", remote.url, *patterns)
    if result.code:
        raise BrainUnavailable(f"list the branches of {remote.url}: {result.cause()}")
    names = (line.partition("\trefs/heads/")[2] for line in result.text.splitlines())
    return sorted(name for name in names if name in parents or name.startswith(f"{branch}/"))


def _remove_leftovers(mirror: Path) -> None:
    """Remove what a killed git left: half a pack for each timeout, and locks that would stop the next fetch."""
    for pattern in LEFTOVERS:
        for path in mirror.glob(pattern):
            path.unlink(missing_ok=True)


def version() -> str | None:
    """What `git --version` prints; None if git is not installed."""
    if (program := shutil.which("git")) is None:
        return None
    ran = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=VERSION_SECONDS, check=False)
    return ran.stdout.strip()


def push(mirror: Path, remote: Remote, seconds: float, commit: str, branch: str) -> None:
    """Push a commit to a remote branch; fast-forward only.

    Raises:
        PushRefused: the branch has moved.
        BrainUnavailable: git failed for another reason, or timed out.
    """
    result = _git(mirror, remote, seconds, "push", "--porcelain", "--", remote.url, f"{commit}:refs/heads/{branch}")
    if result.code:
        refused = any(sign in result.text for sign in PUSH_CONFLICTS)
        raise (PushRefused if refused else BrainUnavailable)(f"push to {branch} of {remote.url}: {result.cause()}")


def push_all_or_none(mirror: Path, remote: Remote, seconds: float, *updates: str) -> "GitResult":
    """Push several updates of which the host accepts all or none.

    Args:
        mirror: the local bare repository.
        remote: the remote repository.
        seconds: time limit.
        updates: each `COMMIT:REF`.

    Raises:
        BrainUnavailable: git is not installed, or timed out.
    """
    return _git(mirror, remote, seconds, "push", "--porcelain", "--atomic", "--", remote.url, *updates)


def run_local(repository: Path, seconds: float, *arguments: str) -> None:
    """Run git on a repository of this machine, without a remote.

    Raises:
        BrainUnavailable: git failed, or timed out.
    """
    result = _git(repository, Remote(str(repository)), seconds, *arguments)
    if result.code:
        raise BrainUnavailable(f"{arguments[0]} {repository}: {result.cause()}")


@dataclass(frozen=True)
class GitResult:
    """How git ended.

    Attributes:
        code: its exit code.
        text: what it printed.
    """

    code: int
    text: str

    def cause(self) -> str:
        """The line of the output that states the cause."""
        if any(sign in self.text for sign in CREDENTIALS_REFUSED):
            return "the token is missing, or refused"
        return next(self._cause_lines(), f"exit code {self.code}")

    def _cause_lines(self) -> Iterator[str]:
        lines = [line.strip() for line in self.text.splitlines()]
        for sign in ("!\t", "fatal: ", "error: ", "remote: "):
            yield from (line.removeprefix(sign)[:300] for line in lines if line.startswith(sign))


def _git(mirror: Path, remote: Remote, seconds: float, *arguments: str) -> GitResult:
    """Run git on a mirror, in its own process group, so that its helpers (ssh, https) are killed with it."""
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
    return GitResult(process.returncode, text)
