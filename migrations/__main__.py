"""``python -m migrations``: bring the configured database to the newest version."""

from __future__ import annotations

from migrations.upgrade import upgrade
from shared.logs import configure_logs
from shared.settings import get_settings

if __name__ == "__main__":
    configure_logs(get_settings())
    upgrade(get_settings())
