#!/bin/sh
# Installs what a machine needs to run agents of a fleet. It needs only the URL of the brain:
#
#     sh bootstrap.sh https://github.com/you/your-brain
#
# Run again, it updates the program and keeps your values in `agent.env`. As root it installs a systemd unit.
set -eu

usage() {
    cat <<EOF
Usage: sh bootstrap.sh BRAIN

BRAIN is a Git URL or a folder that holds config/agents/NAME.yaml.

Environment:
  NERVESYS_ROOT     where all of it goes (default: /opt/nervesys as root, else ~/.local/share/nervesys)
  NERVESYS_PACKAGE  what is installed (default: nervesys-observability[agent]); a folder is a checkout
  NERVESYS_BIN      a \`nervesys\` that is installed already: nothing is installed then
EOF
}

fail() {
    printf 'bootstrap: %s\n' "$1" >&2
    exit "${2:-1}"
}

case "${1:-}" in
    -h | --help) usage; exit 0 ;;
    "" | -*) usage >&2; exit 2 ;;
esac
[ $# -eq 1 ] || { usage >&2; exit 2; }
brain=$1
case "$brain" in
    *://*:*@* | http*://*@*) fail "the URL holds a password or a token, which would lie in a file; use GITHUB_TOKEN in agent.env" 2 ;;
esac

if [ "$(id -u)" -eq 0 ]; then default=/opt/nervesys; else default=$HOME/.local/share/nervesys; fi
root=${NERVESYS_ROOT:-$default}
command -v git >/dev/null || fail "git is missing; install it first"

if [ -n "${NERVESYS_BIN:-}" ]; then
    nervesys=$NERVESYS_BIN
    [ -x "$nervesys" ] || fail "$nervesys cannot be run; see NERVESYS_BIN"
else
    command -v python3 >/dev/null || fail "python3 is missing; install Python 3.11 or newer first"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "python3 is older than 3.11"
    echo "installing into $root/venv"
    python3 -m venv "$root/venv" || fail "no venv; on Debian: apt-get install python3-venv"
    "$root/venv/bin/pip" install --quiet --disable-pip-version-check --upgrade \
        "${NERVESYS_PACKAGE:-nervesys-observability[agent]}"
    nervesys=$root/venv/bin/nervesys
fi

echo "reading the brain"
mkdir -p "$root"
NERVESYS_HOME=$root/home "$nervesys" config check --brain "$brain" >"$root/config-check.txt" ||
    fail "the brain at $brain cannot be used; what is wrong stands above"

umask 077
env=$root/agent.env
if [ -e "$env" ]; then
    echo "keeping $env as it is"
else
    cat >"$env" <<EOF
NERVESYS_BRAIN=$brain
NERVESYS_HOME=$root/home
# Fill in what your store and your Git host gave you; each NAME may be NAME_FILE, the path of a file that holds it.
# What is empty here is as the brain's config/storage.yaml says.
STORJ_ENDPOINT=
STORJ_BUCKET=
STORJ_ACCESS_KEY=
STORJ_SECRET_KEY=
GITHUB_TOKEN=
EOF
    echo "wrote $env: fill in the keys"
fi

unit=/etc/systemd/system/nervesys-agent@.service
if [ "$(id -u)" -eq 0 ] && [ -d /run/systemd/system ]; then
    id nervesys >/dev/null 2>&1 || useradd --system --home-dir "$root" --shell /usr/sbin/nologin nervesys
    mkdir -p "$root/home"
    chown -R nervesys: "$root/home"
    sed "s|/opt/nervesys/venv/bin/nervesys|$nervesys|; s|/opt/nervesys|$root|g" \
        "$(dirname "$0")/nervesys-agent@.service" >"$unit"
    systemctl daemon-reload
    echo "then start an agent: systemctl enable --now nervesys-agent@NAME"
else
    echo "then start an agent: set -a; . $env; set +a; $nervesys agent run NAME"
fi
