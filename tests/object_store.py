"""An object store that speaks S3 over HTTP, in this process, on a free port of this machine."""

from __future__ import annotations

from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_api._internal import moto_api_backend
from moto.server import ThreadedMotoServer

BUCKET = "clips"
PREFIX = "some/where"
KEYS = {"aws_access_key_id": "someone", "aws_secret_access_key": "made-up"}


class ObjectStore:
    """A store with one empty bucket. It keeps what it holds while it is stopped."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        """Prepare; the server starts when the ``with`` block is entered."""
        self._address = address
        self._port = 0

    def __enter__(self) -> Self:
        """Start with an empty bucket."""
        moto_api_backend.reset()
        self.start()
        self.client = boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
            **KEYS,
        )
        self.client.create_bucket(Bucket=BUCKET)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.client.close()
        self.stop()

    def start(self) -> None:
        """Answer, at the same address each time."""
        self._server = ThreadedMotoServer(ip_address=self._address, port=self._port, verbose=False)
        self._server.start()
        self._port = self._server.get_host_and_port()[1]

    def stop(self) -> None:
        """Refuse connections."""
        self._server.stop()

    @property
    def url(self) -> str:
        """Where the store answers."""
        return f"http://{self._address}:{self._port}"

    def settings(self, **others: Any) -> dict[str, Any]:
        """Return the settings of a service whose storage this is."""
        return {
            "storage_url": f"s3://{BUCKET}/{PREFIX}",
            "s3_endpoint_url": self.url,
            "s3_region": "us-east-1",
            "s3_access_key_id": KEYS["aws_access_key_id"],
            "s3_secret_access_key": KEYS["aws_secret_access_key"],
            "s3_addressing": "path",
            **others,
        }

    def names(self) -> list[str]:
        """Return the name of every object."""
        return [each["Key"] for each in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    def age(self, seconds: float) -> None:
        """Let every object have been written so long ago."""
        for key in get_backend("s3")[DEFAULT_ACCOUNT_ID]["aws"].buckets[BUCKET].keys.values():
            key.last_modified -= timedelta(seconds=seconds)

    def unfinished(self) -> list[str]:
        """Return the name of every upload that was begun and is neither complete nor aborted."""
        return [each["Key"] for each in self.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]
