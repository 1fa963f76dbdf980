# lib.sh — what the demonstration (and the flow tests) need of a world: a folder, its daemons, its words.
# Sourced by bash scripts that have set BUILD (the build folder) and WORLD (the world's folder, absolute).

PROGRAM_CA=$BUILD/ca/jpki-ca
PROGRAM_REGISTRY=$BUILD/middleware/registry/jpki-registry
PROGRAM_DESK=$BUILD/middleware/desk/jpki-desk
PROGRAM_SIM=$BUILD/applet-sim/jpki-sim
PROGRAM_JPKI=$BUILD/middleware/jpki/jpki
MODULE=$BUILD/pkcs11/jpki-pkcs11.so
SOFTHSM=/usr/lib/softhsm/libsofthsm2.so

# --- words ------------------------------------------------------------------------------------------------------------

case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in
ja*) JAPANESE=1 ;;
*) JAPANESE= ;;
esac

words() { # english, japanese
    if [ -n "$JAPANESE" ]; then printf '%s' "$2"; else printf '%s' "$1"; fi
}
say() {
    printf '%s\n' "$(words "$@")"
}
# What programs say is compared with patterns: theirs is English, whatever the reader's language, and its locale installed or not.
export LC_ALL=C.UTF-8

# A word as one types it to a shell.
shell_word() {
    case $1 in
    *[!A-Za-z0-9_./:@%+=,-]* | '') printf "'%s'" "${1//\'/\'\\\'\'}" ;;
    *) printf '%s' "$1" ;;
    esac
}

# --- checks -----------------------------------------------------------------------------------------------------------

# Runs a command; prints one line with a tick, or what went wrong and ends the story.
# english, japanese, command…
check() {
    local text
    text=$(words "$1" "$2")
    shift 2
    printf '$ %s\n' "$*" >>"$WORLD/log/demo.log"
    if "$@" >"$WORLD/log/last" 2>&1; then
        cat "$WORLD/log/last" >>"$WORLD/log/demo.log"
        printf '      \342\234\223 %s\n' "$text"
    else
        local status=$?
        cat "$WORLD/log/last" >>"$WORLD/log/demo.log"
        printf '      \342\234\227 %s\n' "$text"
        sed 's/^/        | /' "$WORLD/log/last" | tail -n 20
        say "        exit status $status; everything that was said: $WORLD/log/demo.log" \
            "        終了コード $status。詳しい記録: $WORLD/log/demo.log"
        exit 1
    fi
}

# The same for a command that has to fail with exit status 1 and say the pattern.
check_refused() { # english, japanese, pattern, command…
    local text pattern
    text=$(words "$1" "$2")
    pattern=$3
    shift 3
    refused() {
        local status=0
        "$@" || status=$?
        [ "$status" -eq 1 ]
    }
    check "$text" "$text" refused "$@"
    grep -q -- "$pattern" "$WORLD/log/last" || {
        say "        but it did not say '$pattern': $(cat "$WORLD/log/last")" "        しかし「$pattern」と言いませんでした: $(cat "$WORLD/log/last")"
        exit 1
    }
}

# A step that is left out because it needs PC/SC, by its name. english, japanese
SKIPPED=0
skip() {
    SKIPPED=$((SKIPPED + 1))
    say "      - skipped, it needs PC/SC: $1" "      - 省略 (PC/SC が必要): $2"
}

# Waits until a command succeeds, half a minute at most.
until_true() {
    local tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || return 1
        sleep 0.05
    done
}

# --- daemons ----------------------------------------------------------------------------------------------------------

alive() { # pid: running and not a zombie (where nobody reaps orphans, kill -0 says yes for ever)
    local state
    state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) || return 1
    [ -n "$state" ] && [ "${state#Z}" = "$state" ]
}

# Whether a pid out of this world's run folder still is what we started: after a restart of the machine it may be anybody's.
started_here() { # pid
    local command
    command=$(tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null) || return 1
    case $command in
    *"$WORLD/"* | pcscd\ * | */pcscd\ *) alive "$1" ;;
    *) return 1 ;;
    esac
}

# Becomes root for a command: the demonstration needs it for pcscd alone. Asks for a password only where somebody can type it.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}
can_be_root() {
    [ "$(id -u)" -eq 0 ] && return
    command -v sudo >/dev/null || return 1
    sudo -n true 2>/dev/null && return
    [ -t 0 ] && [ -t 1 ] || return 1
    say "      pcscd is started by root: sudo may ask for your password" "      pcscd は root で起動します: sudo がパスワードを尋ねることがあります"
    sudo -v
}

# Starts a daemon and waits for its pid file, which it writes when it is ready. name, command…
start_daemon() {
    local name=$1
    shift
    rm -f "$WORLD/run/$name.pid"
    setsid "$@" --pid-file "$WORLD/run/$name.pid" >>"$WORLD/log/$name.log" 2>&1 </dev/null &
    local started=$!
    disown # so that the shell says nothing when it is killed
    printf '%q ' "$@" --pid-file "$WORLD/run/$name.pid" >"$WORLD/run/$name.cmd"
    local tries=0
    until [ -s "$WORLD/run/$name.pid" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 400 ] || { [ "$tries" -gt 5 ] && ! alive "$started" && [ ! -s "$WORLD/run/$name.pid" ]; }; then
            tail -n 5 "$WORLD/log/$name.log"
            return 1
        fi
        sleep 0.05
    done
}

# Starts a daemon again with the command it was started with. name
restart_daemon() {
    local command
    command=$(sed 's/ --pid-file .*//' "$WORLD/run/$1.cmd")
    eval "start_daemon \"\$1\" $command"
}

# Fails when the process is still there in the end.
kill_daemon() { # name, signal (TERM)
    local pid tries=0 signal=${2:-TERM}
    pid=$(cat "$WORLD/run/$1.pid" 2>/dev/null) && started_here "$pid" || return 0
    while alive "$pid"; do
        if [ $((tries % 100)) -eq 0 ]; then
            kill "-$signal" "$pid" 2>/dev/null || as_root sh -c 'kill "$@"' sh "-$signal" "$pid" 2>/dev/null || ! alive "$pid" || return 1
            signal=KILL # if the first does not help within 5 seconds
        fi
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || return 1
        sleep 0.05
    done
    return 0
}

stop_world() {
    local file name status=0
    for file in "$WORLD"/run/*.pid; do
        [ -e "$file" ] || continue
        name=$(basename "$file" .pid)
        if kill_daemon "$name" && rm -f "$file"; then continue; fi
        say "$name (process $(cat "$file")) cannot be stopped by $(id -un)" "$name (プロセス $(cat "$file")) を $(id -un) は止められません" >&2
        status=1
    done
    return $status
}

# An empty world. Only a folder that we made (or none, or an empty one) is ever removed.
new_world() {
    if [ -e "$WORLD" ] && [ ! -f "$WORLD/.open-jpki-world" ] && [ -n "$(ls -A "$WORLD" 2>/dev/null)" ]; then
        say "$WORLD exists and is not a world of open-jpki: it is left alone" "$WORLD は open-jpki の世界ではないので触りません" >&2
        exit 1
    fi
    if [ -d "$WORLD" ]; then stop_world || exit 1; fi
    rm -rf "$WORLD" && (umask 077 && mkdir -p "$WORLD"/{log,run,identities,cards,documents,hsm/tokens,publication}) || exit 1
    echo "made by open-jpki; stop with: demo/demo.sh --world FOLDER --stop" >"$WORLD/.open-jpki-world"
    cat >"$WORLD/hsm/softhsm2.conf" <<CONF
directories.tokendir = $WORLD/hsm/tokens
objectstore.backend = file
log.level = ERROR
CONF
    export SOFTHSM2_CONF=$WORLD/hsm/softhsm2.conf
}

free_ports() { # how many: distinct free loopback ports, one a line
    python3 - "$1" <<'PY'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in held:
    s.bind(("127.0.0.1", 0))
print("\n".join(str(s.getsockname()[1]) for s in held))
PY
}

# A token in SoftHSM2 with random PINs: the user's in hsm/pin (0600), the security officer's in hsm/so-pin.
new_hsm_token() {
    (umask 077 && openssl rand -hex 12 >"$WORLD/hsm/pin" && openssl rand -hex 12 >"$WORLD/hsm/so-pin")
    HSM_PIN=$(cat "$WORLD/hsm/pin") HSM_SO_PIN=$(cat "$WORLD/hsm/so-pin")
    export HSM_PIN HSM_SO_PIN
    pkcs11-tool --module "$SOFTHSM" --init-token --slot-index 0 --label jpki-ca --so-pin env:HSM_SO_PIN &&
        pkcs11-tool --module "$SOFTHSM" --token-label jpki-ca --init-pin --login --login-type so --so-pin env:HSM_SO_PIN \
            --new-pin env:HSM_PIN
    local status=$?
    unset HSM_PIN HSM_SO_PIN
    return $status
}

# --- PC/SC ------------------------------------------------------------------------------------------------------------

# The two readers of vpcd, and the ports at which it waits for their cards.
VPCD_READERS=("Virtual PCD 00 00:35963" "Virtual PCD 00 01:35964")

port_open() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# An empty reader, in VPCD_READER and VPCD_PORT: another world may have its card in the first one.
choose_reader() {
    local row
    for row in "${VPCD_READERS[@]}"; do
        VPCD_READER=${row%:*} VPCD_PORT=${row##*:}
        card_present || break
        VPCD_READER=
    done
    [ -n "$VPCD_READER" ] || return 1
    # OpenSC is to look at this reader only, whatever cards are in the others.
    opensc-tool -l | sed -n 's/^[0-9][0-9]* *[A-Z][a-z]* *//p' | grep -vx "$VPCD_READER *" |
        sed 's/ *$//; s/.*/"&"/' | paste -sd, | sed 's/.*/app default { ignored_readers = &; }/' >"$WORLD/opensc.conf"
    export OPENSC_CONF=$WORLD/opensc.conf
}

vpcd_reader_listed() {
    opensc-tool -l 2>/dev/null | grep -q 'Virtual PCD'
}

# Whether a program listens at the port. It is not asked by a connection: to vpcd that would be a card.
port_listened_at() {
    grep -qi "^ *[0-9]*: [0-9A-F]*:$(printf %04X "$1") [0-9A-F:]* 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# A pcscd of our own, with our virtual readers; it ends with the world.
run_pcscd() {
    local program pid
    program=$(PATH=$PATH:/usr/sbin:/sbin command -v pcscd) || { NO_PCSCD=$(words "it is not installed" "未導入"); return 1; }
    if port_listened_at 35963; then
        NO_PCSCD=$(words "another program listens at vpcd's port 35963" "vpcd のポート 35963 を別のプログラムが使用中")
        return 1
    fi
    can_be_root || { NO_PCSCD=$(words "it needs root or sudo" "root か sudo が必要"); return 1; }
    : >"$WORLD/run/pcscd.pid"
    # shellcheck disable=SC2016 # the inner shell's own: exec keeps the pid
    as_root setsid sh -c 'mkdir -p /run/pcscd && echo $$ >"$1" && exec "$2" --foreground' sh "$WORLD/run/pcscd.pid" "$program" \
        >>"$WORLD/log/pcscd.log" 2>&1 </dev/null &
    local tries=0
    until vpcd_reader_listed; do
        tries=$((tries + 1))
        pid=$(cat "$WORLD/run/pcscd.pid")
        if [ "$tries" -gt 100 ] || { [ "$tries" -gt 20 ] && ! alive "${pid:-0}"; }; then
            kill_daemon pcscd
            rm -f "$WORLD/run/pcscd.pid"
            NO_PCSCD=$(words "it did not come up with a virtual reader: $(tail -n 1 "$WORLD/log/pcscd.log")" \
                "仮想リーダーが現れない: $(tail -n 1 "$WORLD/log/pcscd.log")")
            return 1
        fi
        sleep 0.05
    done
}

# A pcscd with an empty virtual reader: the one that runs, or one of our own. Fails where there is none to be had, with the reason in
# NO_PCSCD.
start_pcscd() {
    if [ "${JPKI_DEMO_PCSC:-}" = no ]; then
        NO_PCSCD=$(words "it is not wanted" "指定により使わない")
        return 1
    fi
    if ! vpcd_reader_listed && command -v systemctl >/dev/null && systemctl is-active -q pcscd.socket pcscd.service 2>/dev/null; then
        # The system's own, started before the virtual reader was installed.
        can_be_root && as_root systemctl restart pcscd.socket pcscd.service 2>/dev/null
        until_true vpcd_reader_listed
    fi
    vpcd_reader_listed || run_pcscd || return 1
    choose_reader || { NO_PCSCD=$(words "both of its virtual readers hold cards" "仮想リーダーが二つとも使用中"); return 1; }
}

card_present() {
    opensc-tool --reader "$VPCD_READER" --atr >/dev/null 2>&1
}
