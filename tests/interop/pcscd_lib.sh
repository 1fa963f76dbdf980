# pcscd_lib.sh — a suite's own PC/SC service. Sourced by bash.

# Runs the suite again with a network and a /run/pcscd of its own where that is allowed: its PC/SC service is nobody else's then.
# the suite's $0 and arguments
own_pcscd() {
    if [ "$(id -u)" = 0 ] && [ -z "${JPKI_OWN_PCSCD:-}" ] && unshare -mn true 2>/dev/null; then
        JPKI_OWN_PCSCD=1 exec unshare -mn "$@"
    fi
    [ -n "${JPKI_OWN_PCSCD:-}" ] || return 0
    ip link set lo up
    mkdir -p /run/pcscd
    mount -t tmpfs none /run/pcscd
}
