#!/bin/sh
# Runs as root while a dev container's image is built. The binary lies beside this file: container/feature puts it there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

# Options arrive in capitals; the dev container's user in _REMOTE_USER (containers.dev, "Dev Container Features").
user=${REMOTEUSER:-auto}
[ "$user" != auto ] || user=${_REMOTE_USER:-root}
home=$(awk -F: -v user="$user" '$1 == user { print $6 }' /etc/passwd)
[ -n "$home" ] || { echo "cai: there is no user $user in this image; set remoteUser" >&2; exit 1; }
[ -x "$here/cai" ] || { echo "cai: the binary is not beside $here/install.sh; make the feature with container/feature" >&2; exit 1; }

mkdir -p /usr/local/bin /etc/containai/manifests /usr/local/share/containai
cp "$here/cai" /usr/local/bin/cai
chmod 755 /usr/local/bin/cai
cat >/etc/containai/agent.toml <<TOML
user = "$user"
home = "$home"
persistence_paths = ["/mnt/agent-data"]
TOML

# Without the option, what is secret gets no link: it stays where the dev container has it. Taken from the manifests
# themselves, so that nothing that is added there is forgotten here.
if [ "${ENABLECREDENTIALS:-false}" != true ]; then
    cai manifest list | awk '
        NR > 1 && $1 != "-" && $4 ~ /s/ && $4 !~ /G/ {
            source = $3; sub(/^~\//, "", source)
            printf "[[entries]]\nsource = \"%s\"\ntarget = \"%s\"\ncontainer_link = \"\"\nflags = \"%s\"\n\n", source, $2, $4
        }' >/etc/containai/manifests/no-credentials.toml
    cai manifest lint /etc/containai/manifests/no-credentials.toml
    # An agent's directory as a whole would bring its login along.
    echo 'agent_placement = "files"' >>/etc/containai/agent.toml
fi

# A new volume belongs to root. What may be done about that depends on who runs the container.
cat >/usr/local/share/containai/post-start <<'SH'
#!/bin/sh
if [ "$(id -u)" -ne 0 ] && command -v sudo >/dev/null && sudo -n true 2>/dev/null; then exec sudo -n -E cai init --quiet; fi
exec cai init --quiet
SH
chmod 755 /usr/local/share/containai/post-start
