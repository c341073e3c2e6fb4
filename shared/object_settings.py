"""Settings of storage in an object store, a part of ``shared.settings``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings


class ObjectStoreSettings(BaseSettings):
    """Where an object store is, how it is entered, and who may go there directly."""

    s3_endpoint_url: str | None = Field(
        None,
        description="Address of an object store that is not Amazon's, such as `https://minio.example.org`.",
    )
    s3_public_endpoint_url: str | None = Field(
        None, description="Its address in links for browsers, where that is another one."
    )
    s3_region: str | None = Field(
        None, description="Region of the bucket; from `AWS_DEFAULT_REGION` and the like when unset."
    )
    s3_access_key_id: SecretStr | None = Field(
        None, description="Key; from the usual AWS variables, files or the machine's role when unset."
    )
    s3_secret_access_key: SecretStr | None = Field(None, description="What belongs to that key.")
    s3_addressing: Literal["auto", "path", "virtual"] = Field(
        "auto", description="Where the bucket's name stands in addresses; servers of one's own want `path`."
    )
    s3_tls_verify: bool = Field(
        default=True, description="`no` takes any certificate, and so any server: for trying things out only."
    )
    s3_ca_file: Path | None = Field(
        None, description="Certificates that may sign the object store's; the system's when unset."
    )
    s3_presign: bool = Field(
        default=False,
        description="`yes` sends browsers to the object store itself for clips and pictures, by links that "
        "do not live long.",
    )
    s3_presign_s: Annotated[int, Field(ge=1, le=7 * 86400)] = Field(300, description="Life of such a link.")
    s3_direct_bytes: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="Size from which on clients may send files to the object store itself; none when unset.",
    )
    copy_hold_s: Annotated[float, Field(ge=0)] = Field(
        15, description="How long a worker keeps its copy of a clip from the object store after a stage."
    )

    @field_validator("s3_endpoint_url", "s3_public_endpoint_url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("write the address with its scheme, such as https://minio.example.org:9000")
        return value

    @model_validator(mode="after")
    def _has_whole_key(self) -> Self:
        if (self.s3_access_key_id is None) != (self.s3_secret_access_key is None):
            raise ValueError("AVEMOTION_S3_ACCESS_KEY_ID and AVEMOTION_S3_SECRET_ACCESS_KEY go together")
        return self
