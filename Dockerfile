# The explorer in a container, as a user without rights, on a root file system that nothing writes to:
#   docker build --tag surge-explorer .
#   docker run --rm --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#       --publish 127.0.0.1:8501:8501 --volume "$PWD/runs:/runs:ro" surge-explorer /runs
FROM python:3.11-slim-bookworm AS build
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim-bookworm
# where torch's smaller build without CUDA is
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    --mount=type=bind,source=requirements.txt,target=/requirements.txt \
    pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" --constraint /requirements.txt /wheels/*.whl \
    && useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin surge
ENV HOME=/tmp PYTHONUNBUFFERED=1
WORKDIR /tmp
USER 10001:10001
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", \
    "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8501, timeout=4); c.request('GET', '/_stcore/health'); raise SystemExit(c.getresponse().status != 200)"]
# A container has no other way out than all of its addresses; who may reach them is what --publish says.
ENTRYPOINT ["surge", "explore", "--host", "0.0.0.0", "--port", "8501", "--no-browser"]
CMD []
