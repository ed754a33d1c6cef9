# Two images: ours, for all our own programs (exporters, receiver, agents; the command says which), and with
# --target store the S3 server of the demo. With --build-arg LOCK=requirements-agent.lock ours is that of agents alone.

ARG LOCK=requirements.lock

FROM debian:trixie-slim AS base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates libcurl3t64-gnutls libexpat1 libpcre2-8-0 openssh-client python3.13 \
    && rm -rf /var/lib/apt/lists/*

# Git fetches and pushes the brain; it is unpacked without its Perl scripts. Package managers, Perl and login tools go;
# dpkg's status still lists what is left, for whoever scans the image.
FROM base AS system
ARG FOLDERS="/agents /archive /artifacts /brain /data /history /provisioning /receiver /secrets \
    /secrets/agents-artifacts /secrets/agents-store /secrets/artifacts /secrets/grafana /secrets/journal \
    /secrets/receiver /secrets/store /secrets/supervisor /secrets/supervisord"
RUN useradd --uid 10001 --home-dir /nervesys --create-home --skel /none nervesys \
    && install --directory --owner=10001 --group=10001 ${FOLDERS} \
    && apt-get update && cd /tmp && apt-get download git \
    && dpkg --install --force-depends --path-exclude='/usr/lib/git-core/*' \
        --path-include='/usr/lib/git-core/git' --path-include='/usr/lib/git-core/git-remote-http*' \
        --path-exclude='/usr/share/*' --path-include='/usr/share/git-core/*' \
        --path-include='/usr/share/doc/git/copyright' git_*.deb \
    && dpkg --purge --force-depends --force-remove-essential --force-remove-protected \
        adduser apt bsdutils debian-archive-keyring diffutils findutils libapt-pkg7.0 libblkid1 libdb5.3t64 libmount1 \
        libncursesw6 libsemanage2 libsepol2 libsmartcols1 libsystemd0 libudev1 login mount ncurses-bin \
        passwd perl-base sqv tar util-linux \
    && ln -sf /usr/bin/git /usr/lib/git-core/git && cd /usr/lib/python3.13 \
    && rm -rf /tmp/* /var/cache/* /var/lib/apt /var/lib/dpkg/info/*.md5sums /var/lib/dpkg/status-old /var/log/* \
        /usr/bin/git-shell /usr/bin/localedef /usr/bin/openssl /usr/bin/scalar /usr/bin/scp /usr/bin/sftp \
        /usr/bin/ssh-a* /usr/lib/*/gconv /usr/lib/openssh /usr/share/bash-completion /usr/share/perl5 \
        idlelib lib2to3 pydoc_data test turtledemo

# The dependencies alone: this layer is made anew when the lock changes, not when a line of ours does.
FROM base AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1
RUN apt-get update && apt-get install --yes --no-install-recommends binutils python3.13-venv
ARG LOCK
WORKDIR /src
RUN python3.13 -m venv /opt/nervesys
COPY ${LOCK} ./
RUN /opt/nervesys/bin/pip install --require-hashes -r ${LOCK}

# A read-only container cannot write bytecode: what is not compiled here is compiled at every start.
FROM build AS dependencies
COPY scripts/slim_venv.py scripts/sbom.py /tmp/
RUN /opt/nervesys/bin/python /tmp/sbom.py ${LOCK} > /opt/sbom.cdx.json \
    && if [ -e /opt/nervesys/bin/rclone ]; then mv /opt/nervesys/bin/rclone /opt/; fi \
    && python3.13 /tmp/slim_venv.py /opt/nervesys \
    && find /opt/nervesys -name '*.so*' -type f -exec strip --strip-unneeded {} + \
    && python3.13 -m compileall -q -j 0 -x 'pydantic/v1/' /opt/nervesys

FROM build AS project
COPY pyproject.toml README.md LICENSE ./
COPY alerting ./alerting
COPY commands ./commands
COPY config ./config
COPY dashboards ./dashboards
COPY exporters ./exporters
COPY nervesys ./nervesys
COPY reports ./reports
RUN /opt/nervesys/bin/pip install --no-build-isolation --no-deps --prefix /project . \
    && python3.13 -m compileall -q -j 0 /project

FROM scratch AS store
COPY --from=system / /
COPY --from=dependencies /opt/rclone /usr/local/bin/rclone
ENV PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8
LABEL org.opencontainers.image.title="Nervesys store" \
    org.opencontainers.image.description="The S3 server of the demo: rclone over a folder, with keys that may read or write." \
    org.opencontainers.image.licenses="MIT"
USER 10001
WORKDIR /data
ENTRYPOINT ["rclone"]

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=
ARG CREATED=
LABEL org.opencontainers.image.title="Nervesys Observability" \
    org.opencontainers.image.description="Exporters, receiver and agents of a fleet that keeps nothing locally." \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.base.name="docker.io/library/debian:trixie-slim" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.created="${CREATED}"
COPY --from=system / /
COPY --from=dependencies /opt/sbom.cdx.json /usr/share/sbom/nervesys-observability.cdx.json
COPY --from=dependencies /opt/nervesys /opt/nervesys
COPY --from=project /project /opt/nervesys
# glibc would keep a malloc arena for each thread, 18 MB of an exporter.
ENV PATH=/opt/nervesys/bin:/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 PYTHONUNBUFFERED=1 MALLOC_ARENA_MAX=2 NERVESYS_HOME=/nervesys
USER 10001
WORKDIR /nervesys
ENTRYPOINT ["nervesys"]
CMD ["--help"]
