"""Secrets: no known form survives, at any depth; what is none is left alone; and no text takes long."""

import json
import string
import time
from collections.abc import Callable
from typing import Any

import pytest

from nervesys.redact import ISSUED, MASK, NAMES, TEXT_CHARACTERS, WHOLE_NAMES, Redactor
from tests.properties import given, st

redactor = Redactor()
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
ALNUM = string.ascii_letters + string.digits
safe = st.text("abcdefgh 0123456789,;\n\"'{}()äß", max_size=9)
names = st.builds(
    lambda words, separator, case: case(separator.join(words.split())),
    st.sampled_from([*NAMES, "token", "auth token", "db password", "x api key", "aws secret access key"]),
    st.sampled_from(["_", "-", ""]),
    st.sampled_from([str.lower, str.upper, str.title]),
)


def run(alphabet: str, least: int, most: int) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=least, max_size=most)


words = run(ALNUM + "-_", 20, 60)
ISSUED_SECRETS = st.one_of(
    st.tuples(st.sampled_from(["Authorization: Bearer ", "authorization=basic ", "bearer  "]), words),
    st.tuples(st.sampled_from(["AKIA", "ASIA"]), run(string.ascii_uppercase + string.digits, 16, 16)),
    st.tuples(st.sampled_from(["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"]), run(ALNUM, 20, 80)),
    st.tuples(st.sampled_from(["sk-", "sk-ant-api03-", "sk-proj-", "sk_live_", "rk_test_", "xai-", "hf_"]), words),
    st.tuples(st.just("AIza"), run(ALNUM + "-_", 35, 35)),
    st.tuples(st.sampled_from(["xoxb-", "xapp-", "https://hooks.slack.com/services/T0/B0/"]), run(ALNUM, 12, 40)),
    st.tuples(st.just("123456789:AA"), run(ALNUM + "-_", 33, 33)),
    st.tuples(st.sampled_from(["https://api.telegram.org/bot123:", "/bot123456789%3A"]), words),
    st.tuples(st.just("https://discord.com/api/webhooks/123456789012345678/"), words),
    st.tuples(st.just("https://acme.webhook.office.com/webhookb2/"), words),
    st.tuples(st.sampled_from(["https://a.blob.core.windows.net/c?sv=1&sig=", "https://a/b?sig="]), words),
    st.tuples(st.sampled_from(["curl -u me:", "curl -ume:", "curl --user 'me:", "wget --proxy-user=me:"]), words),
    st.tuples(st.just("1Q"), run(BASE58, 60, 200)),
    st.tuples(st.sampled_from(["postgres://me:a/", "https://me:a@b/c@"]), st.builds("{}@host/db".format, words)),
    st.tuples(st.just("AGE-SECRET-KEY-1"), run(string.ascii_uppercase + string.digits, 58, 58)),
    st.tuples(st.just("eyJhbGciOiJIUzI1NiJ9."), st.builds("{}.{}".format, words, words)),
    st.tuples(st.just("postgresql://user:"), st.builds("{}@host/db".format, words)),
    st.tuples(
        st.just("-----BEGIN RSA PRIVATE KEY-----\n"),
        st.builds("{}\n{}\n-----END RSA PRIVATE KEY-----".format, words, words),
    ),
    st.tuples(st.just("-----BEGIN PRIVATE KEY-----\n"), words),
)
"""A telling beginning, and what must not survive."""


def parts(secret: str) -> list[str]:
    """The pieces of a secret that would betray it."""
    return [piece for piece in secret.replace("@host/db", "").split() if "PRIVATE" not in piece and len(piece) > 9]


def survives(secret: str, text: str) -> bool:
    return any(piece in text for piece in parts(secret))


@given(safe, ISSUED_SECRETS, safe)
def test_no_secret_of_a_known_form_survives_in_a_text(before: str, secret: tuple[str, str], after: str) -> None:
    text = redactor.text(f"{before} {''.join(secret)} {after}")
    assert not survives(secret[1], text)
    assert redactor.text(text) == text


@given(ISSUED_SECRETS, st.lists(st.sampled_from(["list", "object", "text", "json"]), max_size=6))
def test_nor_does_it_at_any_depth(secret: tuple[str, str], nesting: list[str]) -> None:
    wraps: dict[str, Callable[[Any], Any]] = {
        "list": lambda inner: [1, inner],
        "object": lambda inner: {"a": None, "b": inner},
        "text": lambda inner: f"text {inner}",
        "json": json.dumps,
    }
    value: Any = "".join(secret)
    for wrap in nesting:
        value = wraps[wrap](value)
    line = json.dumps({"context": {"x": value}})
    assert redactor.suspects(line)
    assert not survives(secret[1], redactor.line(line.encode()).decode())


@given(names, st.one_of(words, st.dictionaries(st.just("a"), words, min_size=1), st.lists(words, min_size=1)))
def test_what_has_a_telling_name_is_masked_whatever_it_is(name: str, value: Any) -> None:
    line = json.dumps({"context": {"deep": [{name: value}]}})
    assert redactor.suspects(line)
    assert json.loads(redactor.line(line.encode())) == {"context": {"deep": [{name: MASK}]}}


@given(names, words, st.sampled_from(["{}={}", "{}: {}", "{!r}: {!r}", '"{}": "{} and more"', "--{} {}", "{} => '{}'"]))
def test_a_telling_name_in_a_text_masks_what_follows(name: str, value: str, form: str) -> None:
    text = redactor.text(f"called with {form.format(name, value)}, then 7 files")
    assert value not in text
    assert text.startswith("called with ")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('password="ab\\"cd ef", x', f"password={MASK}\", x"),
        ('{\\"token\\": \\"abc\\"} z', f'{{\\"token\\": {MASK}\\"}} z'),
        ("Authorization: Digest a b\nnext", f"Authorization: {MASK}\nnext"),
        ("https://me:x@host/p?access_token=1a2", f"https://{MASK}@host/p?access_token={MASK}"),
    ],
)  # fmt: skip
def test_quotes_and_headers(text: str, left: str) -> None:
    assert redactor.text(text) == left


@pytest.mark.parametrize(
    "value",
    [
        "max_token=5, tokens_used: 812",
        "token validation failed",
        "https://host/path?page=2",
        "http://127.0.0.1:9090/graph?q=a@b",
        "docker run -u 1000:1000 image",
        "sha256 " + "1f" * 32,
        "sig=SIGTERM",
        "/bot/start: ready",
        "config/webhooks/a.yaml",
        "basic checks passed on the keyboard",
        "read /secrets/receiver_token: No such file or directory",
        "read /secrets/password: Permission denied",
        {"tokens_used": 812, "gen_ai.usage.input_tokens": 7, "max_token": 100, "api_key": None},
        {"key": "db/agents/grok_state.json", "author": "ann", "passed": 3},
    ],
)
def test_what_is_no_secret_stays(value: Any) -> None:
    assert redactor.value(value) == value


def test_names_and_patterns_of_ones_own() -> None:
    own = Redactor(names=["employee_id"], patterns=[r"case-\d+"])
    assert own.suspects("anything")
    assert own.value({"EmployeeId": 7, "m": "see case-123"}) == {"EmployeeId": MASK, "m": f"see {MASK}"}
    assert Redactor(names=["employee_id"]).suspects('{"employee-id": 7}')


@pytest.mark.parametrize("around", ["x{}x", "ü {}", "half a pair \ud800 {}"])
def test_each_hint_makes_a_line_suspect(around: str) -> None:
    hints = [hint for form in ISSUED for hint in form.hints] + [f'"{name}"' for name in WHOLE_NAMES]
    hints += [*NAMES, *(name.replace(" ", "_") for name in NAMES), "token"]
    assert [hint for hint in hints if not redactor.suspects(around.format(hint.upper()))] == []


@pytest.mark.parametrize("cut_at", range(TEXT_CHARACTERS - 40, TEXT_CHARACTERS + 1))
def test_a_cut_leaves_no_half_secret(cut_at: int) -> None:
    text = redactor.text("x " * (cut_at // 2) + "ghp_" + "Q7" * 18)
    assert "Q7" not in text
    assert len(text) <= TEXT_CHARACTERS + 1


def test_values_are_bounded() -> None:
    deep: Any = "x"
    for _ in range(100):
        deep = [deep]
    assert len(json.dumps(redactor.value(deep))) < 100
    assert len(redactor.value(list(range(10_000)))) == 1_000
    assert len(redactor.value({str(number): 1 for number in range(10_000)})) == 1_000


EVIL = [
    "a",
    "password",
    "://",
    "-----BEGIN PRIVATE KEY",
    "token=",
    "key",
    "api ",
    "--",
    "bearer ",
    "sk-",
    "eyJaaaaaaaa.",
    "authorization=",
    'token=\\"',
    "password\\\\\\\\",
    "1",
    "1Q",
    "://a:",
    "curl -u ",
    "/bot1:",
    "&sig=",
]


@pytest.mark.parametrize("piece", EVIL)
def test_no_text_takes_long(piece: str) -> None:
    began = time.process_time()
    redactor.text(piece * (40_000 // len(piece)) + ":AA")
    assert time.process_time() - began < 2  # of what a search that goes back on itself would take minutes for
