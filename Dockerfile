# One image for all our own programs: exporters, receiver, agents. The command says which.
# With --build-arg LOCK=requirements-agent.lock it is the image of agents alone.

ARG LOCK=requirements.lock

FROM python:3.13-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
ARG LOCK
WORKDIR /src
RUN python -m venv /opt/nervesys
COPY ${LOCK} ./
RUN /opt/nervesys/bin/pip install --require-hashes -r ${LOCK}
COPY pyproject.toml README.md LICENSE ./
COPY alerting ./alerting
COPY commands ./commands
COPY config ./config
COPY dashboards ./dashboards
COPY exporters ./exporters
COPY nervesys ./nervesys
COPY reports ./reports
RUN /opt/nervesys/bin/pip install --no-build-isolation --no-deps .

FROM python:3.13-slim-bookworm
# git fetches and pushes the brain; everything else is Python.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --home-dir /nervesys --create-home nervesys \
    && install --directory --owner=10001 --group=10001 /archive /brain /secrets /secrets/store /secrets/receiver /secrets/supervisor /secrets/grafana /secrets/artifacts
COPY --from=build /opt/nervesys /opt/nervesys
ENV PATH=/opt/nervesys/bin:$PATH PYTHONUNBUFFERED=1 NERVESYS_HOME=/nervesys
USER 10001
WORKDIR /nervesys
ENTRYPOINT ["nervesys"]
CMD ["--help"]
