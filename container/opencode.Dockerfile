# OpenCode, with its server, its broker and its seven paths, started and kept by `cai`.
#
#   docker build -f container/Dockerfile --target minimal -t cai .
#   docker build -f container/opencode.Dockerfile -t my-opencode --build-arg BASE=IMAGE .
#   docker compose -f container/opencode.compose.yaml up
#
#   --build-arg BASE=IMAGE   an image with the programs `opencode` and `opencode-broker`, and with /bin/sh
#   --build-arg CAI=IMAGE    an image with /cai, such as the target `minimal` of container/Dockerfile (cai)
#
# What has to outlive the container, one volume each (`cai persistence check` looks at them):
#
#   /home/opencoder/.local/share/opencode   /home/opencoder/.local/state/opencode   /home/opencoder/.cache/opencode
#   /home/opencoder/.config/opencode        /home/opencoder/.ssh                    /home/opencoder/workspace
#   /var/lib/opencode-users
#
# There is no VOLUME line on purpose: see container/Dockerfile.
ARG CAI=cai
ARG BASE

FROM ${CAI} AS binary

FROM ${BASE}
ARG OPENCODER_UID=1000
USER root
COPY --from=binary /cai /usr/local/bin/cai
COPY container/rootfs/ /
COPY container/opencode-rootfs/ /
RUN /bin/sh /etc/containai/image/prepare opencoder "$OPENCODER_UID" && rm -r /etc/containai/image && \
    # Users of the image, who are nobody's login; and the helper that servers ask about the first login.
    awk -F: '$6 ~ "^/home/" { print $1 }' /etc/passwd >/etc/opencode-cloud/builtin-home-users.txt && \
    ln -sf cai /usr/local/bin/opencode-cloud-bootstrap
# Units for those who run systemd in the container (USE_SYSTEMD=1); otherwise they lie still.
RUN ["/usr/local/bin/cai", "systemd", "install"]
ENV BASH_ENV=/etc/containai/bash_env
WORKDIR /home/opencoder/workspace
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["cai", "health"]
ENTRYPOINT ["cai", "entrypoint", "--"]
# A login shell, for what the profile adds; the port as platforms give it.
CMD ["/bin/sh", "-lc", "exec opencode web --port \"${OPENCODE_PORT:-${PORT:-3000}}\" --hostname \"${OPENCODE_HOST:-0.0.0.0}\""]
