# What the scripts share. Sourced, never run: `here` is the folder container/, `top` the repository.
# shellcheck shell=bash
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034
top=${here%/*}
for part in say check world container namespaces docker systemd; do
    # shellcheck source=/dev/null
    . "$here/lib/$part.sh"
done
unset part
