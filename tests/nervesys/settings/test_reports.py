"""What models cost, and who gets reports by mail.

Covers: nervesys.settings.prices, nervesys.settings.reports.
"""

import pytest
from pydantic import SecretStr

from nervesys.contract.logs import TokenUsage
from nervesys.errors import SettingsError
from nervesys.settings import load
from tests.nervesys.settings.conftest import MakeBrain


def test_a_brain_adds_models_to_the_table_of_prices(brain: MakeBrain) -> None:
    prices = load(brain(prices="currency: EUR\nper_million_tokens: {gpt-4.1: 3, grok-4: 12}\n")).settings.prices
    costs = [
        prices.cost_of_call(model, TokenUsage(1_000_000), at=0)
        for model in ("gpt-4.1", "grok-4", "deepseek-v3", "nobody-s")
    ]
    assert prices.currency == "EUR"
    assert costs == [3, 12, 0.6, None], "a price that the brain leaves alone stands"


def test_the_password_comes_from_the_environment(brain: MakeBrain) -> None:
    mail = load(brain(), environ={"NERVESYS_SMTP_PASSWORD": "secret"}).settings.reports.mail
    assert mail.password == SecretStr("secret")
    assert "secret" not in repr(mail)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mail: {tls: none, host: smtp.example.org}", "reports.mail: with `tls: none` the password would be sent"),
        ("mail: {to: [operators]}", "reports.mail.to.0: not an address such as"),
        ("mail: {to: ['a@b\\r\\nBcc: c@d']}", "reports.mail.to.0: not an address such as"),
        ("formats: []", "reports.formats: must have at least 1 item"),
        ("formats: [docx]", "reports.formats.0: must be 'pdf', 'html' or 'xlsx'"),
    ],
)
def test_a_wrong_value_is_reported(brain: MakeBrain, text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(brain(reports=text), environ={"NERVESYS_SMTP_PASSWORD": "secret"})
    assert problem in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_relay_on_this_machine_needs_no_tls(brain: MakeBrain) -> None:
    tree = brain(reports="mail: {tls: none, host: 127.0.0.1}")
    assert load(tree, environ={"NERVESYS_SMTP_PASSWORD": "x"}).settings.reports.mail.host == "127.0.0.1"
