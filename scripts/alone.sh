#!/bin/sh
# alone.sh — runs a command on a loopback of its own, so that no test finds its port taken by another one's connection.
# usage: alone.sh COMMAND…      (root)
[ $# -gt 0 ] || { echo "usage: scripts/alone.sh COMMAND…" >&2; exit 2; }
# shellcheck disable=SC2016 # the inner shell's own
exec unshare --net sh -c 'ip link set lo up && exec "$@"' sh "$@"
