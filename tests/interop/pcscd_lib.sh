# pcscd_lib.sh — a suite's own PC/SC service. Sourced by bash.

# Runs the suite again with a network and a /run/pcscd of its own where that is allowed: its PC/SC service is nobody else's then.
# the suite's $0 and arguments
own_pcscd() {
    [ -z "${JPKI_PCSCD_RUNS:-}" ] || return 0
    if [ "$(id -u)" = 0 ] && [ -z "${JPKI_OWN_PCSCD:-}" ] && unshare -mn true 2>/dev/null; then
        JPKI_OWN_PCSCD=1 exec unshare -mn "$@"
    fi
    [ -n "${JPKI_OWN_PCSCD:-}" ] || return 0
    ip link set lo up
    mkdir -p /run/pcscd
    mount -t tmpfs none /run/pcscd
}

# Starts it, and waits until it has its virtual readers. A suite that changes its user has started it before.
run_own_pcscd() {
    [ -z "${JPKI_PCSCD_RUNS:-}" ] || return 0
    [ "$(id -u)" = 0 ] || { echo "a PC/SC service of one's own wants root"; exit 1; }
    local said
    said=$(mktemp)
    PATH=$PATH:/usr/sbin pcscd --foreground >"$said" 2>&1 &
    pcscd_pid=$!
    for _ in $(seq 600); do
        ! opensc-tool -l 2>/dev/null | grep -q 'Virtual PCD' || break
        sleep 0.1
    done
    opensc-tool -l 2>/dev/null | grep -q 'Virtual PCD' || { echo "pcscd does not come up:"; cat "$said"; exit 1; }
    rm -f "$said"
    export JPKI_PCSCD_RUNS=1
}
stop_own_pcscd() {
    [ -z "${pcscd_pid:-}" ] || kill "$pcscd_pid" 2>/dev/null || true
}
