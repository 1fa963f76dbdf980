#!/bin/bash
# 'jpki card register' against NSS itself: databases that certutil makes, lists that modutil reads; and p11-kit's folder.
# usage: register.sh JPKI MODULE-DIR
set -euo pipefail
jpki=$(realpath "$1") modules=$(realpath "$2")
folder=$(mktemp -d /tmp/jpki-register-XXXXXX)
sleeper=
finish() {
    status=$?
    [ -z "$sleeper" ] || kill "$sleeper" 2>/dev/null || true
    wait 2>/dev/null || true
    [ $status = 0 ] || { echo "FAILED: $step"; tail -20 "$folder"/*.out 2>/dev/null || true; }
    rm -rf "$folder"
    exit $status
}
trap finish EXIT
step="make databases"
export HOME=$folder/home JPKI_READER=sim:$folder/none
unset XDG_CONFIG_HOME
firefox=$HOME/.mozilla/firefox chromium=$HOME/.pki/nssdb
mkdir -p "$firefox/a.default" "$firefox/b.work" "$folder/far" "$chromium" "$HOME/.config/chromium"
for db in "$firefox/a.default" "$folder/far" "$chromium"; do certutil -N -d "sql:$db" --empty-password; done
cat >"$firefox/profiles.ini" <<EOF
[General]
StartWithLastProfile=1

[Profile0]
Name=default
IsRelative=1
Path=a.default

[Profile1]
Name=never-used
IsRelative=1
Path=b.work

[Profile2]
Name=far
IsRelative=0
Path=$folder/far
EOF
sums() { cat "$firefox/a.default/pkcs11.txt" "$folder/far/pkcs11.txt" "$chromium/pkcs11.txt" | sha256sum; }
before=$(sums)
say() { echo "ok: $step"; }
cd "$folder"

step="a dry run changes nothing"
"$jpki" card register --dry-run --module-dir "$modules" >dry.out
[ "$(grep -c ': registered$' dry.out)" = 4 ]
[ "$(sums)" = "$before" ]
[ ! -e "$HOME/.config/pkcs11" ]
say
step="register, and modutil lists it"
"$jpki" card register --module-dir "$modules" >register.out
[ "$(grep -c ': registered$' register.out)" = 4 ]
for db in "$firefox/a.default" "$folder/far" "$chromium"; do
    modutil -dbdir "sql:$db" -list >list.out 2>&1
    grep -q '2. open-jpki' list.out
    grep -q "library name: $modules/jpki-pkcs11-auth.so" list.out
done
[ ! -e "$firefox/b.work/pkcs11.txt" ]
grep -qx "module: $modules/jpki-pkcs11.so" "$HOME/.config/pkcs11/modules/jpki-pkcs11.module"
say
step="once is enough"
"$jpki" card register --module-dir "$modules" >again.out
[ "$(grep -c 'registered already' again.out)" = 4 ]
say
step="modutil adds and removes beside it"
modutil -dbdir "sql:$chromium" -force -delete open-jpki >list.out 2>&1
"$jpki" card register --module-dir "$modules" >register.out
modutil -dbdir "sql:$chromium" -list >list.out 2>&1
grep -q '2. open-jpki' list.out
say
step="a browser that runs is not disturbed"
sleep 60 &
sleeper=$!
ln -s "somewhere-$sleeper" "$HOME/.config/chromium/SingletonLock"
ln -s "127.0.1.1:+$sleeper" "$firefox/a.default/lock"
if "$jpki" card unregister >refused.out; then false; fi
[ "$(grep -c "in use by process $sleeper" refused.out)" = 2 ]
grep -q "far: taken out" refused.out
grep -q open-jpki "$chromium/pkcs11.txt"
kill "$sleeper"; wait "$sleeper" 2>/dev/null || true
sleeper=
say
step="unregister leaves what was there"
"$jpki" card unregister >unregister.out
[ "$(sums)" = "$before" ]
[ ! -e "$HOME/.config/pkcs11/modules/jpki-pkcs11.module" ]
modutil -dbdir "sql:$chromium" -list >list.out 2>&1
if grep -q open-jpki list.out; then false; fi
say
step="what is not ours is left alone"
mkdir -p "$HOME/.config/pkcs11/modules"
echo "module: other.so" >"$HOME/.config/pkcs11/modules/jpki-pkcs11.module"
if "$jpki" card register --module-dir "$modules" >mine.out; then false; fi
grep -q "somebody else's" mine.out
grep -qx 'module: other.so' "$HOME/.config/pkcs11/modules/jpki-pkcs11.module"
say
step="a folder without modules"
status=0; "$jpki" card register --module-dir "$folder" >no.out 2>&1 || status=$?
[ $status = 2 ]
say
