#!/bin/sh
# Installs the Debian packages of scripts/packages.txt that are missing. Does nothing, quickly, when none is.
set -eu
cd "$(dirname "$0")/.."

wanted=$(sed 's/#.*//' scripts/packages.txt | tr -s ' \n' ' ')
missing=
for package in $wanted; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "setup: this system has no apt-get; install the equivalents of:$missing" >&2
    exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "setup: root or sudo is needed to install:$missing" >&2; exit 1; }
    as_root="sudo"
fi

# A daemon that a package brings must not start by itself in the middle of an installation: we start what we need.
echo "setup: installing$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
$as_root apt-get update -q >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >"$log" 2>&1 ||
    { tail -n 40 "$log" >&2; echo "setup: apt-get failed" >&2; exit 1; }
