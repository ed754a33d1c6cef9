"""Masks secrets in log records before they are stored: by the name of a value, and by the format of known credentials.

A fast search finds out whether a line may hold a secret at all; only such lines are examined closely. All searches run
in linear time.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import orjson
from pydantic_core import SchemaValidator, core_schema

MASK = "[redacted]"
TEXT_CHARACTERS = 32_768
"""Longest text, in characters; the rest is cut off."""
MARGIN = 4_096
"""Characters beyond the cut that are still searched, because half a secret would not be recognised."""
ITEMS = 1_000
"""Most items of one list or object; the rest is left out."""
DEPTH = 20
"""Deepest nesting; what lies deeper is left out."""
CACHED_NAMES = 4_096
"""Size of the cache of names."""

NAMES = (
    "password", "passwd", "passphrase", "pwd", "secret", "credential", "authorization", "cookie", "signature",
    "api key", "access key", "private key", "signing key", "encryption key",
)  # fmt: skip
"""A value is secret if its name contains one of these; a space matches at most one separator."""
WHOLE_NAMES = ("auth", "pass", "jwt")
"""A value is secret if its name is one of these."""
SEPARATORS = ("", "_", "-", ".", " ")

_GAP = "[-_. ]?"
_TOKEN = r"token(?!s)"  # noqa: S105  # the word; `tokens` are counted, not secret
_QUOTED = r"""[bru]{0,2}(?P<q>\\*["'])(?:(?!(?<!\\)(?P=q))(?:\\.|[^\\]))*"""
_VALUE = rf"(?:{_QUOTED}|[^\s\"']+)"
_REASON = "(?!(?:No such file|Permission denied|Is a directory)\\b)"
"""Not of a value: why the file of a secret could not be read, which follows its name."""
_ASSIGN = rf"""[\w.-]{{0,40}}\\*["']?\s{{0,4}}(?::|=>?)\s{{0,4}}{_REASON}"""


class SecretPattern(NamedTuple):
    """One kind of secret.

    Attributes:
        hints: every text with such a secret contains one of these, in lower case.
        pattern: matches the secret.
        replacement: its replacement.
    """

    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: str = MASK


def _pattern(hints: str, pattern: str, replacement: str = MASK) -> SecretPattern:
    return SecretPattern(tuple(hints.split()), re.compile(pattern, re.IGNORECASE | re.DOTALL), replacement)


ISSUED = (
    _pattern("authorization", rf"(authorization{_ASSIGN})(?:{_QUOTED}|[^\r\n\"']+)", rf"\1{MASK}"),
    _pattern("bearer basic", r"\b(bearer|basic)\s{1,4}[\w.~+/=-]{16,}", rf"\1 {MASK}"),
    # a password with a slash or a second @; a port is none
    _pattern("://", r"://[^\s/?#\"'<>:@]{0,256}:(?!\d{1,5}[/?#])[^\s\"'<>]{1,256}@", f"://{MASK}@"),
    _pattern("://", r"://[^\s/?#\"'<>]*@", f"://{MASK}@"),
    _pattern(
        "-----begin", r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----|\Z)"
    ),
    _pattern("akia asia", r"(?-i:\b(?:AKIA|ASIA)[A-Z0-9]{12,})"),
    _pattern("ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat-", r"(?:gh[pousr]_|github_pat_|glpat-)[\w-]{16,}"),
    _pattern("sk- sk_ rk_", r"\b[sr]k[-_][\w-]{16,}"),
    _pattern("xai- hf_ npm_ pypi- age-secret", r"\b(?:xai-|hf_|npm_|pypi-|AGE-SECRET-KEY-)[\w-]{20,}"),
    _pattern("aiza ya29.", r"(?-i:\bAIza[\w-]{30,}|\bya29\.[\w.-]{20,})"),
    _pattern(
        "xox xapp- hooks.slack.com", r"\bxox[a-z]-[\w-]{10,}|\bxapp-[\w-]{10,}|(?<=hooks\.slack\.com/services/)[\w/]+"
    ),
    _pattern("eyj", r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"),
    _pattern(":aa", r"(?<!\d)\d{6,12}:AA[\w-]{30,}"),
    _pattern("/bot", r"(/bot)\d{1,20}(?::|%3A)[\w-]{6,}", rf"\1{MASK}"),
    _pattern("webhooks/ webhookb2/", r"(/(?:webhooks|webhookb2)/)[\w/@.-]{16,}", rf"\1{MASK}"),
    _pattern("sig=", r"([?&;]sig=)[^\s&\"'<>#]+", rf"\1{MASK}"),
    _pattern(
        "curl wget --user --proxy-user",
        r"((?<![\w-])(?:-u|--user|--proxy-user)[\s=,\"']{0,4}[^\s:\"']{0,256}:)(?!/)[^\s\"']+",
        rf"\1{MASK}",
    ),
)
GRANT = re.compile(r"\b1(?=[1-9a-z]{0,50}[A-HJ-NP-Z])[1-9A-HJ-NP-Za-km-z]{50,}")
"""Access grant or API key of Storj: base58, whose first character is that of version 0. Digests have no capitals."""
GRANT_HINT = "1[1-9a-z]{50}"
"""Credentials in the formats of their issuers: headers (RFC 7235), userinfo of URLs (RFC 3986), PEM (RFC
7468), AWS, GitHub, GitLab, OpenAI and its like, Stripe, xAI, Hugging Face, npm, PyPI, age, Google, Slack, JSON Web
Tokens (RFC 7519), Telegram, webhooks of Discord and Teams, shared access signatures of Azure, and logins of curl."""


class Redactor:
    """Masks secrets; thread-safe.

    Args:
        names: further names of values that are secret; see `learn`.
        patterns: further patterns; see `learn`.
    """

    def __init__(self, names: Iterable[str] = (), patterns: Collection[str] = ()) -> None:
        self.learn(names, patterns)

    def learn(self, names: Iterable[str], patterns: Collection[str]) -> None:
        """Replace the names and patterns that are used in addition to the built-in ones.

        Args:
            names: names of secret values; case and separators are ignored.
            patterns: regular expressions; with any, every line is parsed, which takes many times as long.
        """
        known = [words for name in (*NAMES, *names) if (words := re.findall(r"[^\W_]+", name.lower()))]
        holds = "|".join(_GAP.join(words) for words in known)
        self._name = re.compile(rf"{holds}|^(?:{'|'.join(WHOLE_NAMES)})$", re.IGNORECASE)
        name_hints = tuple(separator.join(words) for words in known for separator in SEPARATORS[: len(words) * 5 - 4])
        assigned = rf"((?:{holds}|{_TOKEN}(?!['\"\s:=\\]{{1,8}}\d{{1,9}}\b))"
        self._forms = (
            SecretPattern(
                (*name_hints, "token"),
                re.compile(rf"{assigned}{_ASSIGN}){_VALUE}", re.IGNORECASE | re.DOTALL),
                rf"\1{MASK}",
            ),
            SecretPattern(
                ("--",),
                re.compile(rf"((?<![\w-])--[\w-]{{0,40}}?(?:{holds}|token)\s{{1,4}}){_VALUE}", re.IGNORECASE),
                rf"\1{MASK}",
            ),
            *ISSUED,
            SecretPattern(("1",), GRANT),
            *(SecretPattern(("",), re.compile(pattern)) for pattern in patterns),
        )
        hints = {hint for form in ISSUED for hint in form.hints} | {f'"{name}"' for name in WHOLE_NAMES} | {*name_hints}
        self._hints = _search({*map(re.escape, hints), "token(?:[^s]|$)", GRANT_HINT})
        self._always = bool(patterns)
        self._secret_names: dict[str, bool] = {}

    def line(self, line: bytes) -> bytes:
        """Mask the secrets in a JSON object on one line."""
        return orjson.dumps(self.value(orjson.loads(line)))

    def suspects(self, text: str) -> bool:
        """Whether a text may hold a secret. Fast; may be wrongly True, but never wrongly False."""
        return self._always or self._hints.isinstance_python(text if text.isascii() else text.encode(errors="replace"))

    def text(self, text: str) -> str:
        """Mask the secrets in a text, and cut it to `TEXT_CHARACTERS`."""
        cut = len(text) > TEXT_CHARACTERS
        text = text[: TEXT_CHARACTERS + MARGIN]
        if self.suspects(text):
            lower = text.lower()
            for form in self._forms:
                if any(hint in lower for hint in form.hints):
                    text = form.pattern.sub(form.replacement, text)
        return f"{text[:TEXT_CHARACTERS]}…" if cut else text

    def value(self, value: Any, depth: int = DEPTH) -> Any:
        """Mask the secrets in a JSON value at any depth, within the limits above."""
        if isinstance(value, str):
            return self.text(value)
        if not isinstance(value, Collection):
            return value
        if not depth:
            return "…"
        if isinstance(value, Mapping):
            return {
                self.text(name): MASK if self.is_secret_name(name, item) else self.value(item, depth - 1)
                for name, item in list(value.items())[:ITEMS]
            }
        return [self.value(item, depth - 1) for item in list(value)[:ITEMS]]

    def is_secret_name(self, name: str, value: Any) -> bool:
        """Whether the value of this name is a secret, whatever it is."""
        if value is None:
            return False
        known = self._secret_names  # local: `learn` may replace the cache meanwhile
        secret = known.get(name)
        if secret is None:
            secret = self._name.search(name) is not None
            if len(known) < CACHED_NAMES:
                known[name] = secret
        return secret or (name.lower().endswith("token") and not isinstance(value, int | float))


def _search(texts: Iterable[str]) -> SchemaValidator:
    """A search for any of these texts in another text, ignoring case.

    pydantic-core's regular expressions (Rust) search for all of them at once; `re` takes ten times as long.
    """
    return SchemaValidator(core_schema.str_schema(pattern=f"(?i){'|'.join(sorted(texts))}"))


DEFAULT_REDACTOR = Redactor()
"""The redactor with the built-in rules."""
