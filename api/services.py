"""What views need, opened once a process."""

from __future__ import annotations

from typing import cast

from flask import current_app

from api.cards import Cards
from api.keyring import Keyring
from api.publishing import Publisher
from api.reading import READERS, JobReader
from api.waiting import WaitingRoom
from shared.database import connect
from shared.settings import Settings
from shared.storage_choice import storage_of

EXTENSION = "avemotion"


class Services:
    """Settings, database, storage, broker and the few things kept in memory."""

    def __init__(self, settings: Settings) -> None:
        """Prepare; connections are opened when they are first needed."""
        threads = settings.api_threads
        self.settings = settings
        self.engine = connect(settings, pool_size=max(1, threads // 2))
        self.storage = storage_of(settings)
        self.reader = JobReader(connect(settings, pool_size=READERS))
        self.keyring = Keyring(self.engine)
        self.publisher = Publisher(settings, self.engine)
        # The other half of the threads answers those who do not wait.
        self.waiting = WaitingRoom(seats=threads // 2, longest_s=settings.max_wait_s)
        self.cards = Cards(settings.models_dir)

    def close(self) -> None:
        """Close what is open; nothing may be answered any more."""
        self.reader.close()
        self.engine.dispose()


def services() -> Services:
    """Return the services of the application that handles this request."""
    return cast("Services", current_app.extensions[EXTENSION])
