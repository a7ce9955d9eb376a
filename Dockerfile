# One image for every process of ours; docker-compose.yml says what each one runs.

FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN ["python", "-m", "venv", "/opt/posthorn"]
COPY requirements-image.lock ./
RUN ["/opt/posthorn/bin/pip", "install", "--require-hashes", "-r", "requirements-image.lock"]
COPY LICENSE README.md pyproject.toml ./
COPY messaging ./messaging
COPY workers ./workers
COPY schedules ./schedules
RUN ["/opt/posthorn/bin/pip", "install", "--no-deps", "--no-build-isolation", "."]

FROM python:3.12-slim
RUN ["useradd", "--system", "--uid", "10001", "--user-group", "--no-create-home", "posthorn"]
COPY --from=build /opt/posthorn /opt/posthorn
ENV PATH=/opt/posthorn/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /opt/posthorn
USER 10001:10001
CMD ["posthorn", "--help"]
