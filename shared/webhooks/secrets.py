"""Secrets that webhooks are signed with, as the Standard Webhooks specification has them.

The operator sets one secret, or several during a change. While API keys are off it is also what receivers
verify with. With keys on, each key has a secret of its own that follows from it: whoever verifies its own
webhooks must not be able to sign another's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from uuid import UUID

from shared.errors import AvemotionError, ErrorCode

PREFIX = "whsec_"
NEW_BYTES = 32
# What the specification asks for.
FEWEST_BYTES, MOST_BYTES = 24, 64
PURPOSE = b"avemotion webhooks of API key "


def make_secret() -> str:
    """Return a new secret."""
    return write_secret(secrets.token_bytes(NEW_BYTES))


def write_secret(key: bytes) -> str:
    """Return a secret as settings and receivers have it."""
    return PREFIX + base64.b64encode(key).decode()


def read_secrets(text: str) -> list[bytes]:
    """Return the secrets that stand in a setting, between spaces, the newest first.

    Raises:
        AvemotionError: One of them is none; the message does not hold it.
    """
    return [_read_secret(word) for word in text.split()]


def secrets_for(text: str, owner_id: UUID | None) -> list[bytes]:
    """Return the secrets that sign an owner's webhooks, by the text of the setting, the newest first.

    Raises:
        AvemotionError: As ``read_secrets``.
    """
    keys = read_secrets(text)
    if owner_id is None:
        return keys
    return [hmac.digest(key, PURPOSE + owner_id.bytes, hashlib.sha256) for key in keys]


def _read_secret(word: str) -> bytes:
    try:
        key = base64.b64decode(word.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not word.startswith(PREFIX) or not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        # Not a ValueError: pydantic would print the value with it.
        raise AvemotionError(
            ErrorCode.INVALID_SETTINGS,
            f"AVEMOTION_WEBHOOK_SECRET must be {PREFIX} and {FEWEST_BYTES} to {MOST_BYTES} bytes in base64; "
            "`avemotion ops webhooks secret --new` makes one.",
        )
    return key
