"""The Celery application of the workers."""

from __future__ import annotations

from shared.queue import make_celery
from shared.settings import get_settings

app = make_celery(get_settings())
app.conf.worker_consumer = "worker.consumer:Consumer"
