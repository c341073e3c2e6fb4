"""Parts of uploads to an object store that were begun and never completed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from s3fs import S3FileSystem


def drop_parts(store: S3FileSystem, bucket: str, start: str, age_s: float) -> int:
    """Abort uploads of objects whose names begin with ``start``, begun so long ago; return how many.

    Raises:
        OSError: The store cannot be asked, or refuses.
    """
    until = datetime.now(UTC) - timedelta(seconds=age_s)
    page: dict[str, str] = {}
    dropped = 0
    while True:
        answer = store.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=start, **page)
        for begun in answer.get("Uploads", []):
            if not age_s or begun["Initiated"] <= until:
                dropped += _abort(store, bucket, begun)
        if not answer.get("IsTruncated"):
            return dropped
        page = {"KeyMarker": answer["NextKeyMarker"], "UploadIdMarker": answer["NextUploadIdMarker"]}


def _abort(store: S3FileSystem, bucket: str, begun: dict[str, Any]) -> bool:
    try:
        store.abort_mpu(bucket, begun["Key"], begun["UploadId"])
    except FileNotFoundError:
        # Completed or aborted meanwhile.
        return False
    return True
