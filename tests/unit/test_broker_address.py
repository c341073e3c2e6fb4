from __future__ import annotations

import pytest
from kombu.utils.json import dumps

from shared.broker_address import BrokerAddress, read_address
from shared.queue import make_celery
from shared.settings import Settings

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("text", "address", "celery_url"),
    [
        (
            "redis://valkey",
            BrokerAddress(tls=False, by_sentinels=False, nodes=(("valkey", 6379),)),
            "redis://valkey:6379/0",
        ),
        (
            "rediss://me:a%2Fb@[::1]:6380/3",
            BrokerAddress(
                tls=True,
                by_sentinels=False,
                nodes=(("::1", 6380),),
                username="me",
                password="a/b",
                database=3,
            ),
            "rediss://me:a%2Fb@[::1]:6380/3",
        ),
        (
            "sentinel://:pw@one/2;sentinel://two:5",
            BrokerAddress(
                tls=False, by_sentinels=True, nodes=(("one", 26379), ("two", 5)), password="pw", database=2
            ),
            "sentinel://:pw@one:26379/2;sentinel://:pw@two:5/2",
        ),
        (
            "sentinels://one",
            BrokerAddress(tls=True, by_sentinels=True, nodes=(("one", 26379),)),
            "sentinel://one:26379/0",
        ),
    ],
)
def test_addresses(text: str, address: BrokerAddress, celery_url: str) -> None:
    """An address is read with its defaults, and told to Celery in Celery's words."""
    assert read_address(text) == address
    assert address.celery_url == celery_url


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"valkey://:{SECRET}@host", "write redis://"),
        (f"{SECRET}", "write redis://"),
        (f"redis://:{SECRET}@one;sentinel://two", "write redis://"),
        (f"redis://:{SECRET}@one;redis://two", "for Sentinels only"),
        (f"redis://:{SECRET}/x@one", "port is no number"),
        (f"redis://:{SECRET}@[one", "no address"),
        (f"redis://one/{SECRET}", "number of a database"),
        (f"rediss://:{SECRET}@one?ssl_cert_reqs=none", "always checked"),
        (f"rediss://:{SECRET}@one?ssl_cert_reqs=CERT_OPTIONAL", "always checked"),
        (f"rediss://:{SECRET}@one?ssl_check_hostname=false", "nothing may follow"),
    ],
)
def test_addresses_that_cannot_be_meant(text: str, words: str) -> None:
    """They are refused when settings are read, by a sentence without the password."""
    with pytest.raises(ValueError, match=words) as caught:
        Settings(broker_url=text)

    assert SECRET not in str(caught.value)


def test_a_file_of_certificates_that_is_not_there() -> None:
    """It is refused when settings are read: later it would look like a broker that is away."""
    with pytest.raises(ValueError, match="no such file"):
        Settings.model_validate({"broker_ca_file": "none.pem"})


def test_celery_checks_certificates() -> None:
    """Celery takes no certificate unseen, whether a file of signers is named or not."""
    for url in ("rediss://one", "sentinels://one"):
        with make_celery(Settings(broker_url=url)).connection_for_write() as connection:
            assert connection.ssl["ssl_cert_reqs"] == "required"
            assert connection.ssl["ssl_check_hostname"]


def test_passwords_are_not_shown() -> None:
    """Neither password appears where an object is printed, nor in Celery's log lines."""
    settings = Settings.model_validate(
        {"broker_url": f"sentinel://:{SECRET}@a;sentinel://b", "broker_sentinel_password": SECRET}
    )
    assert SECRET not in repr(read_address(str(settings.broker_url)))
    assert SECRET not in repr(settings.broker_sentinel_password)
    with make_celery(settings).connection_for_read() as connection:
        assert SECRET not in connection.as_uri()
        # What a worker answers to `ops workers`.
        assert SECRET not in dumps(connection.info()["transport_options"])
