#!/bin/sh
# Pulls the configuration from the brain, and pushes what the store knows of the agents to it, by hand:
#
#     sh sync.sh
#
# Agents do both by themselves. On a machine that bootstrap.sh prepared, its program and its `agent.env` are used.
set -eu

usage() {
    cat <<EOF
Usage: sh sync.sh [OPTION...]

Pulls the configuration, checks it, and pushes the agents' last status to the brain's state branch.

  --no-push     only pull and check the configuration
  --dashboards  push the dashboards' JSON too
  --dry-run     only print what would be pushed
  --brain URL   another brain than NERVESYS_BRAIN
  --home DIR    another folder of local files than NERVESYS_HOME

Environment:
  NERVESYS_ROOT  where bootstrap.sh installed (default: /opt/nervesys as root, else ~/.local/share/nervesys)
  NERVESYS_BIN   the program \`nervesys\` (default: that of NERVESYS_ROOT, else the one on the PATH)
EOF
}

fail() {
    printf 'sync: %s\n' "$1" >&2
    exit "${2:-1}"
}

for option in "$@"; do
    case "$option" in -h | --help) usage; exit 0 ;; esac
done

if [ "$(id -u)" -eq 0 ]; then default=/opt/nervesys; else default=$HOME/.local/share/nervesys; fi
root=${NERVESYS_ROOT:-$default}

if [ -n "${NERVESYS_BIN:-}" ]; then
    nervesys=$NERVESYS_BIN
elif [ -x "$root/venv/bin/nervesys" ]; then
    nervesys=$root/venv/bin/nervesys
else
    nervesys=$(command -v nervesys) || fail "there is no program nervesys; run bootstrap.sh, or set NERVESYS_BIN" 2
fi
[ -x "$nervesys" ] || fail "$nervesys cannot be run; see NERVESYS_BIN" 2

# What the caller sets wins over the file; empty values of the file count as missing.
if [ -r "$root/agent.env" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
        case "$line" in "" | \#* | *=) continue ;; esac
        name=${line%%=*}
        case "$name" in *[!A-Z0-9_]* | "") continue ;; esac
        eval "known=\${$name+x}"
        [ -n "${known:-}" ] || export "$name=${line#*=}"
    done <"$root/agent.env"
fi

exec "$nervesys" sync "$@"
