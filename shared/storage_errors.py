"""What can be wrong with storage, beyond a file that is not there.

All are ``OSError``: whoever works with files bears them already. Names matter: ``/readyz`` tells them.
"""

from __future__ import annotations


class StorageAwayError(OSError):
    """The storage does not answer, or not as it should; that may pass."""


class StorageSetUpError(OSError):
    """The storage cannot be used as it is set up; somebody has to change that."""


class BucketMissingError(StorageSetUpError):
    """There is no such bucket."""


class CredentialsMissingError(StorageSetUpError):
    """No keys were found."""


class AccessRefusedError(StorageSetUpError, PermissionError):
    """The keys are wrong, or do not allow this."""
