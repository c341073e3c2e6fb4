"""Settings of the way to the broker, a part of ``shared.settings``."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from shared.broker_address import read_address


class BrokerSettings(BaseSettings):
    """Where the broker is, who signs its certificate, and how Sentinels are asked for it."""

    broker_url: str | None = Field(
        None,
        description="Valkey or Redis address: `redis://`, `rediss://` with TLS, or `sentinel://`; embedded "
        "server when unset.",
    )
    broker_ca_file: Path | None = Field(
        None, description="Certificates that may sign the broker's; the system's when unset."
    )
    broker_primary: str = Field(
        "mymaster", description="Name by which Sentinels know the servers, in an address with `sentinel://`."
    )
    broker_sentinel_password: SecretStr | None = Field(
        None, description="Password of the Sentinels themselves; none when unset."
    )

    @field_validator("broker_url")
    @classmethod
    def _is_broker(cls, value: str | None) -> str | None:
        if value is not None:
            read_address(value)
        return value

    @field_validator("broker_ca_file")
    @classmethod
    def _names_certificates(cls, value: Path | None) -> Path | None:
        # Else it would look like a broker that is away, for ever.
        if value is not None and not value.is_file():
            raise ValueError("there is no such file")
        return value
