"""The connection to an object store: who asks, where, how long and how often."""

from __future__ import annotations

from s3fs import S3FileSystem

from shared.settings import Settings

CONNECT_S = 3
READ_S = 30
# Of requests, by s3fs and, inside each of those, by botocore.
TRIES = 2
CONNECTIONS = 64


def file_system(settings: Settings, endpoint_url: str | None) -> S3FileSystem:
    """Return the connection to a store, not opened yet.

    Nothing is kept in mind about what it holds: other hosts change it.
    """
    key, secret = settings.s3_access_key_id, settings.s3_secret_access_key
    made = S3FileSystem(
        endpoint_url=endpoint_url,
        key=key and key.get_secret_value(),
        secret=secret and secret.get_secret_value(),
        client_kwargs={
            "region_name": settings.s3_region,
            "verify": str(settings.s3_ca_file) if settings.s3_ca_file else settings.s3_tls_verify,
        },
        config_kwargs={
            "signature_version": "s3v4",
            "s3": {"addressing_style": settings.s3_addressing},
            "connect_timeout": CONNECT_S,
            "read_timeout": READ_S,
            "max_pool_connections": CONNECTIONS,
            "retries": {"mode": "standard", "total_max_attempts": TRIES},
            # Servers that are not Amazon's do not all know the newer checksums.
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        },
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    made.retries = TRIES
    return made
