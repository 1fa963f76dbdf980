#!/bin/sh
# Installs the Debian packages of scripts/packages.txt that are missing. Does nothing, quickly, when none is.
# usage: scripts/setup.sh [build] [demo] [check] [fuzz]     for those purposes; without any, for the first three
set -eu
cd "$(dirname "$0")/.."

purposes=$*
for purpose in $purposes; do
    case $purpose in
    build | demo | check | fuzz) ;;
    *) echo "usage: scripts/setup.sh [build] [demo] [check] [fuzz]" >&2; exit 2 ;;
    esac
done
wanted=$(awk -v purposes=" ${purposes:-build demo check} " \
    '!/^#/ && NF && $2 !~ /^(build|demo|check|fuzz)$/ { print "setup: packages.txt: what is " $1 " for?" >"/dev/stderr"; exit 1 }
     !/^#/ && NF && index(purposes, " " $2 " ") { print $1 }' scripts/packages.txt)

# Without dpkg, or without a package, the list of what is installed is just shorter.
# shellcheck disable=SC2086
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null | sed -n 's/^installed //p') || true
missing=
for package in $wanted; do
    case "
$installed
" in *"
$package
"*) ;;
    *) missing="$missing $package" ;;
    esac
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

echo "setup: installing (a minute or two)$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
$as_root apt-get update -q >"$log" 2>&1 || { cat "$log" >&2; echo "setup: apt-get update failed" >&2; exit 1; }
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >"$log" 2>&1 ||
    { tail -n 40 "$log" >&2; echo "setup: apt-get install failed" >&2; exit 1; }
echo "setup: installed"
