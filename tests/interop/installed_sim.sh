#!/bin/bash
# The installed library of the simulator: `meson install` into a folder, a foreign program built with what pkg-config says and nothing
# else, run; and linked so that a missing file of the installation is noticed.
# usage: installed_sim.sh BUILD
set -euo pipefail
build=$(realpath "$1")
source=$(dirname "$(realpath "$0")")/installed_sim.c
folder=$(mktemp -d /tmp/jpki-installed-XXXXXX)
trap 'rm -rf "$folder"' EXIT
step=install
fail() { echo "FAILED: $step: $*"; exit 1; }
meson install -C "$build" --no-rebuild --destdir "$folder/root" >"$folder/install.out" 2>&1 || { tail "$folder/install.out"; fail "meson install"; }

step="pkg-config"
pc=$(find "$folder/root" -name jpki-sim.pc)
[ -n "$pc" ] || fail "no jpki-sim.pc"
export PKG_CONFIG_SYSROOT_DIR=$folder/root PKG_CONFIG_LIBDIR=$(dirname "$pc")
[ "$(pkg-config --modversion jpki-sim)" = "$("$build/applet-sim/jpki-sim" --version | awk '{print $NF}')" ] || fail "the version is another"
read -ra cflags < <(pkg-config --cflags jpki-sim)
read -ra libs < <(pkg-config --libs jpki-sim)

step="compile"
cd "$folder" # away from the tree
cc -std=c11 -Wall -Wextra -Werror "$source" -o foreign "${cflags[@]}" "${libs[@]}" -lcrypto
library=$(dirname "$pc")/..
LD_LIBRARY_PATH=$library ldd ./foreign | grep -q "libjpki-sim.so.0 => $folder/root" || { LD_LIBRARY_PATH=$library ldd ./foreign; fail "another library"; }

step="run"
[ "$(LD_LIBRARY_PATH=$library ./foreign)" = verified ] || fail "the program"

step="the installed jpki-sim makes a filled card and plays a script"
sim=$(find "$folder/root" -type f -name jpki-sim -perm -u+x)
"$sim" create --card card --issuer-key issuer --specimen >serial
printf '> 00A4040C0AD392F000260100000001\n< 9000\n> 0020009B06414243313233\n< 9000\n> 00B0810002\n< 30829000\n' >script
"$sim" script --card card script
"$sim" show --card card >shown
grep -q 'life: active' shown && grep -q 'auth: key yes, certificate yes, CA certificate yes, PIN yes, 3 of 3' shown || fail "$(cat shown)"
echo "installed, linked, verified"
