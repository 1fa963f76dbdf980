#!/bin/bash
# demo.sh — the demonstration as a test: in English through a real pcscd, in Japanese on the simulator's socket alone, in folders of
# awkward names; its arguments, its end, and folders that are not its own. usage: demo.sh BUILD SOURCE
#
# On a machine of its own as far as the kernel lets us (network, process numbers, /run): a pcscd, a card or a world that somebody uses
# here is not touched, and nothing outlives the test.
set -euo pipefail

if [ -z "${DEMO_MACHINE:-}" ]; then
    export DEMO_MACHINE=own
    own=(unshare --net --mount --pid --fork --kill-child --mount-proc)
    [ "$(id -u)" -eq 0 ] || own+=(--user --map-root-user)
    if "${own[@]}" sh -c 'mount -t tmpfs tmpfs /run && ip link set lo up' 2>/dev/null; then exec "${own[@]}" "$0" "$@"; fi
    DEMO_MACHINE=shared
fi
if [ $DEMO_MACHINE = own ]; then
    mount -t tmpfs tmpfs /run
    ip link set lo up
fi

demo=$(realpath "$2")/demo/demo.sh
build=$(realpath "$1")
folder=$(mktemp -d /tmp/jpki-demo-XXXXXX)
cd "$folder"
step=start
finish() {
    local status=$? world
    for world in world "the second world" empty; do
        [ ! -f "$world/.open-jpki-world" ] || "$demo" --world "$world" --remove || true
    done
    [ $status = 0 ] || { echo "FAILED: $step"; tail -n 60 "$folder"/*.out; }
    rm -rf "$folder"
    exit $status
}
trap finish EXIT

fail() { echo "$*"; return 1; }
want() { grep -qe "$1" "$2" || fail "'$1' is missing in $2"; }
refuse() { ! grep -qe "$1" "$2" || fail "'$1' should not be in $2"; }
status_of() { # wanted exit status, output, command…
    local wanted=$1 out=$2 status=0
    shift 2
    "$@" >"$out" 2>&1 </dev/null || status=$?
    [ $status -eq "$wanted" ] || fail "exit status $status, not $wanted: $*"
}
ticks() { grep -c '^      ✓' "$1" || true; }
daemons_of() { # world: how many processes are named after it
    grep -lsF -f - /proc/[0-9]*/cmdline <<<"$folder/$1/" | wc -l # not in grep's own arguments
}
tell() { # output, language, options…: the story, told anew
    local out=$1 language=$2
    shift 2
    status_of 0 "$out" env -u LC_ALL -u LC_MESSAGES LANG="$language" "$demo" --build "$build" "$@"
    refuse '✗' "$out"
}

step="arguments"
status_of 0 help.out "$demo" --help
want '^usage: ' help.out
long=$(printf '%0120d' 0)
for row in "--wrong" "--world" "--world=" "--build" "--stop --remove" "--stop --stop" "extra" "--world $long" "--world /" "--build $folder/none" "--world a\$b"; do
    # shellcheck disable=SC2086 # a row is several words
    status_of 2 arguments.out "$demo" $row
    want '^demo: ' arguments.out
    [ ! -e "$long" ] || fail "a world was made"
done
status_of 2 arguments.out "$demo" --world ""

step="a folder that is not ours is left alone"
mkdir mine && echo precious >mine/file
status_of 1 mine.out "$demo" --build "$build" --world mine
want "mine exists and is not a world of open-jpki" mine.out
for action in --stop --remove; do
    status_of 1 mine.out "$demo" --world mine $action
    want 'is not a world' mine.out
done
[ "$(find mine | wc -l)" -eq 2 ] && [ "$(cat mine/file)" = precious ] || fail "it was touched"

step="in English, through pcscd"
tell english.out C.UTF-8 --world world
refuse 'skipped' english.out
want '^Every step held' english.out
want "export JPKI_READER='pcsc:Virtual PCD" english.out
[ "$(ticks english.out)" -ge 35 ] || fail "only $(ticks english.out) ticks"
[ "$(daemons_of world)" -ge 4 ] || fail "the world does not go on"
status_of 1 pins.out grep -rwe JPKI2026 -e 1234 world/log world/run world/desk

step="the world goes on, and can be looked at as its last lines say"
sed -n 's/^  \(export\|[^ ]*jpki card status\|pkcs11-tool\)/\1/p' english.out >look.sh
[ "$(wc -l <look.sh)" -eq 4 ] || fail "four lines to look around"
status_of 0 look.out bash -e look.sh
want 'JPKI (User Authentication)' look.out

step="stopped"
status_of 0 stop.out "$demo" --world world --stop
[ "$(daemons_of world)" -eq 0 ] || fail "$(daemons_of world) processes are left"
status_of 0 stop.out "$demo" --world world --stop
[ -f world/.open-jpki-world ] || fail "the world is gone"

step="a process number that is somebody else's by now is left alone"
sleep 60 &
echo $! >world/run/ca.pid
status_of 0 stop.out "$demo" --world world --stop
kill -0 $! || fail "it was killed"
kill $!

step="told again in the same folder, in Japanese, without PC/SC, in a folder with blanks"
mv world "the second world"
tell japanese.out ja_JP.UTF-8 --world "./the second world/" --no-pcsc
want '^\[8/8\] 転居$' japanese.out
want '! PC/SC を使えないため' japanese.out
[ "$(grep -c '^      - 省略 (PC/SC が必要): ' japanese.out)" -eq 3 ] || fail "three steps are to be skipped by name"
refuse '^Every' japanese.out
refuse 'setlocale' japanese.out
[ $(($(ticks japanese.out) + 2)) -eq "$(ticks english.out)" ] || fail "$(ticks japanese.out) ticks against $(ticks english.out)"
sed -n 's/^  \(export\|[^ ]*jpki card status\|pkcs11-tool\)/\1/p' japanese.out >look.sh
status_of 0 look.out bash -e look.sh
want 'JPKI (User Authentication)' look.out

step="removed"
status_of 0 remove.out "$demo" --world "the second world" --remove
[ ! -e "the second world" ] || fail "it is still there"
[ "$(daemons_of "the second world")" -eq 0 ] || fail "processes are left"
echo "ok: $(ticks english.out) ticks through pcscd, $(ticks japanese.out) without, machine: $DEMO_MACHINE"
