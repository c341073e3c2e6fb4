# Five images from one file: api, media, inference and inference-gpu, and flower for operators.
# Each holds the packages of its own extra and of its own code, and neither pip's cache nor a compiler.

FROM python:3.12-slim-bookworm AS base
ENV LANG=C.UTF-8 \
    PATH=/venv/bin:$PATH \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1

# The base image's pip installs into /venv, which therefore needs none of its own.
FROM base AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_INPUT=1 \
    PIP_ONLY_BINARY=:all: \
    PIP_PYTHON=/venv/bin/python \
    PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /venv
WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE ./

# In each build stage the first install finds no code and brings the dependencies alone: they stay
# cached until pyproject.toml or constraints.txt change. The second brings the code.
FROM build AS build-api
RUN --mount=type=cache,target=/root/.cache/pip pip install -c constraints.txt '.[api,s3,tracing]'
COPY shared shared
COPY migrations migrations
COPY client client
COPY api api
RUN --mount=type=cache,target=/root/.cache/pip pip install --no-deps --force-reinstall .

# librosa compiles its functions at first use, for half a minute and more: here, not at each start.
# A processor of another kind than the build's takes nothing from this cache and fills it anew.
FROM build AS build-media
RUN --mount=type=cache,target=/root/.cache/pip pip install -c constraints.txt '.[media,janitor,s3,tracing]'
COPY shared shared
COPY worker worker
RUN --mount=type=cache,target=/root/.cache/pip pip install --no-deps --force-reinstall .
RUN NUMBA_CACHE_DIR=/cache/numba python -c 'from worker.audio.features import warm_up; warm_up()'

FROM build AS build-inference
RUN --mount=type=cache,target=/root/.cache/pip pip install -c constraints.txt '.[model,s3,tracing]'
COPY shared shared
COPY worker worker
RUN --mount=type=cache,target=/root/.cache/pip pip install --no-deps --force-reinstall .

FROM build AS build-inference-gpu
RUN --mount=type=cache,target=/root/.cache/pip pip install -c constraints.txt '.[gpu,s3,tracing]'
COPY shared shared
COPY worker worker
RUN --mount=type=cache,target=/root/.cache/pip pip install --no-deps --force-reinstall .

FROM build AS build-flower
RUN --mount=type=cache,target=/root/.cache/pip pip install -c constraints.txt '.[flower]'
COPY shared shared
COPY worker worker
RUN --mount=type=cache,target=/root/.cache/pip pip install --no-deps --force-reinstall .

# The root file system may be read-only. Written are /data (uploads and artifacts), /tmp and, by
# media workers, /cache.
FROM base AS runtime
ENV AVEMOTION_DATA_DIR=/data \
    AVEMOTION_LOG_FORMAT=json \
    HOME=/tmp
RUN groupadd --gid 10001 avemotion \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin avemotion \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data
WORKDIR /app
USER 10001:10001

FROM runtime AS api
COPY --from=build-api /venv /venv
ENV AVEMOTION_HOST=0.0.0.0 \
    AVEMOTION_PORT=8000
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['AVEMOTION_PORT']}/healthz\", timeout=4)"]
CMD ["gunicorn", "-c", "python:api.gunicorn_config", "api:create_app()"]

FROM runtime AS media
COPY --from=build-media /venv /venv
COPY --from=build-media --chown=10001:10001 /cache /cache
# A child a core: one that starts threads of its own only gets in the others' way.
ENV NUMBA_CACHE_DIR=/cache/numba \
    OMP_NUM_THREADS=1 \
    NUMBA_NUM_THREADS=1
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-m", "worker", "check", "media"]
CMD ["python", "-m", "worker", "media"]

FROM runtime AS inference
COPY --from=build-inference /venv /venv
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-m", "worker", "check", "inference"]
CMD ["python", "-m", "worker", "inference"]

FROM runtime AS inference-gpu
COPY --from=build-inference-gpu /venv /venv
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    NVIDIA_VISIBLE_DEVICES=all
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-m", "worker", "check", "inference"]
CMD ["python", "-m", "worker", "inference"]

FROM runtime AS flower
COPY --from=build-flower /venv /venv
ENV FLOWER_ADDRESS=0.0.0.0 \
    FLOWER_PORT=5555
EXPOSE 5555
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['FLOWER_PORT']}/healthcheck\", timeout=4)"]
CMD ["python", "-m", "worker.flower"]
