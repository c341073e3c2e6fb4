"""What webhooks are signed with."""

from __future__ import annotations

import base64
from uuid import uuid4

import pytest
from standardwebhooks.webhooks import Webhook

from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from shared.webhooks.secrets import make_secret, read_secrets, secrets_for, write_secret


def test_made_secrets_differ_and_can_be_read() -> None:
    """A new secret is one that the setting takes."""
    first, second = make_secret(), make_secret()

    assert first != second
    assert [write_secret(key) for key in read_secrets(f"{first} {second}")] == [first, second]
    assert Settings(webhook_secret=first).webhook_secret is not None


@pytest.mark.parametrize(
    "text",
    [
        "password",
        "whsec_",
        "whsec_!!!!",
        base64.b64encode(bytes(32)).decode(),
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_" + base64.b64encode(bytes(32)).decode() + " x",
    ],
)
def test_what_is_no_secret_is_refused_and_not_repeated(text: str) -> None:
    """The error says what a secret looks like, and nowhere what stood there."""
    with pytest.raises(AvemotionError) as found:
        Settings(webhook_secret=text)

    assert found.value.code is ErrorCode.INVALID_SETTINGS
    assert "AVEMOTION_WEBHOOK_SECRET must be whsec_" in found.value.message
    assert text.removeprefix("whsec_")[:8] not in found.value.message or text == "whsec_"


def test_settings_do_not_show_the_secret() -> None:
    """Whoever prints the settings does not print it, and an empty variable is none."""
    secret = make_secret()

    assert secret not in repr(Settings(webhook_secret=secret))
    assert Settings(webhook_secret="").webhook_secret is None


def test_each_key_has_secrets_of_its_own() -> None:
    """Without keys the setting itself signs; with keys, what follows from it for each of them."""
    setting, one, other = make_secret(), uuid4(), uuid4()

    [key] = secrets_for(setting, None)
    assert write_secret(key) == setting
    assert secrets_for(setting, one) == secrets_for(setting, one)
    assert len({*secrets_for(setting, None), *secrets_for(setting, one), *secrets_for(setting, other)}) == 3
    # Long enough for the specification, as the library takes it.
    Webhook(write_secret(secrets_for(setting, one)[0]))
