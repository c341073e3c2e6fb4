"""``python -m migrations``: bring the configured database to the newest version."""

from __future__ import annotations

from migrations.upgrade import upgrade
from shared.start import begin, faults_told

if __name__ == "__main__":
    settings = begin()
    with faults_told():
        upgrade(settings)
