"""Errors of an object store's libraries as those that files have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import ClientError as HttpError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    InvalidRegionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    SSLError,
)
from s3fs.errors import translate_boto_error

from shared.storage_errors import (
    AccessRefusedError,
    BucketMissingError,
    CredentialsMissingError,
    StorageAwayError,
    StorageSetUpError,
)

REFUSALS = frozenset(
    {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403", "AllAccessDisabled"}
)


@contextmanager
def translated(bucket: str) -> Iterator[None]:
    """Raise what the block raises as an ``OSError`` that tells what is wrong.

    A bucket that is not there is no missing file: else a job whose files cannot be seen for a moment would
    end in ``media_missing``, and an erasure would believe that there is nothing left to erase.
    """
    try:
        yield
    except ClientError as error:
        raise _known(translate_boto_error(error), bucket) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise CredentialsMissingError(
            "No keys for the object store: set AVEMOTION_S3_ACCESS_KEY_ID and "
            "AVEMOTION_S3_SECRET_ACCESS_KEY, or the usual AWS variables, or give this machine a role."
        ) from error
    except SSLError as error:
        raise StorageSetUpError(
            "The object store's certificate is not trusted: AVEMOTION_S3_CA_FILE names who signs it."
        ) from error
    except (InvalidRegionError, ParamValidationError) as error:
        raise StorageSetUpError(f"The object store's address is not valid: {error}") from error
    except (BotoCoreError, HttpError) as error:
        raise StorageAwayError(f"The object store does not answer ({type(error).__name__}).") from error
    except (StorageAwayError, StorageSetUpError):
        raise
    except OSError as error:
        raise _known(error, bucket) from error


def _known(error: OSError, bucket: str) -> OSError:
    code = code_of(error)
    if code == "NoSuchBucket":
        return BucketMissingError(f"The bucket {bucket} is not there.")
    if code in REFUSALS:
        return AccessRefusedError(
            f"The object store refuses these keys ({code}): they are wrong, or do not allow this in {bucket}."
        )
    return error


def code_of(error: BaseException) -> str | None:
    """Return the store's own code of an error, where it gave one."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ClientError):
            return str(cause.response.get("Error", {}).get("Code"))
        cause = cause.__cause__
    return None
