#!/bin/sh
# ca_ocsp.sh — the OCSP responder's CPU for an answer, kept and signed, against openssl ocsp, nginx with the same bytes, and the bare signature
. "$(dirname "$0")/bench_lib.sh"
JPKI_CA=$BUILD/ca/jpki-ca
. "$(dirname "$0")/../flow/ca-world.sh"
LOAD=$(dirname "$0")/ocsp_load.py
OCSP= PEER= NGINX=
trap 'for p in $PID $OCSP $PEER $NGINX; do kill -9 "$p" 2>/dev/null || true; done; rm -rf "$W"' EXIT
token
check "founding" found
anchors
check "identity" identity ca 000000 authority
check "identity" identity desk-officer 462012 officer
check "serve" start
openssl genrsa -out "$W/holder.key" 2048 2> /dev/null
request_file enrol-1 462012 319800217 20350217145959Z
check "a certificate" ir auth "$W/holder.key" "$W/auth.pem"
"$JPKI_CA" ocsp --state "$W/ca" --pid-file "$W/ocsp.pid" --log "$W/ocsp.log" --rate 1000000 > "$W/ocsp.out" &
OCSP=$!
for _ in $(seq 200); do [ ! -f "$W/ocsp.pid" ] || break; sleep 0.05; done
stop
PORT=$(sed -n 's/listening on port //p' "$W/ocsp.out")
printf 'V\t350217145959Z\t\t%s\tunknown\t/CN=x\n' "$(serial "$W/auth.pem")" > "$W/index"
for PEER_PORT in $(shuf -i 20000-30000 -n 20); do # openssl takes no "any port"
    openssl ocsp -index "$W/index" -port "$PEER_PORT" -CA "$W/auth-ca.pem" -rsigner "$W/ca/ocsp/auth.pem" -rkey "$W/ca/ocsp/auth.pem" \
        -ndays 1 > /dev/null 2>&1 &
    PEER=$!
    sleep 0.5
    ! kill -0 "$PEER" 2> /dev/null || break
done
openssl ocsp -issuer "$W/auth-ca.pem" -cert "$W/auth.pem" -no_nonce -reqout "$W/plain.der" > /dev/null 2>&1
openssl ocsp -issuer "$W/auth-ca.pem" -cert "$W/auth.pem" -nonce -reqout "$W/nonce.der" > /dev/null 2>&1
python3 "$LOAD" "$PORT" "$OCSP" "$W/plain.der" 0.2 > /dev/null
# nginx with the very bytes of the kept answer as a file, one worker
GET=/$(base64 -w 0 "$W/plain.der" | sed 's/+/%2B/g; s/\//%2F/g; s/=/%3D/g')
mkdir "$W/www"
curl -sSf "http://127.0.0.1:$PORT$GET" -o "$W/www/answer"
openssl ocsp -respin "$W/www/answer" -issuer "$W/auth-ca.pem" -cert "$W/auth.pem" -CAfile "$W/auth-ca.pem" > /dev/null 2>&1
for NGINX_PORT in $(shuf -i 20000-30000 -n 20); do
    cat > "$W/nginx.conf" << EOF
worker_processes 1;
daemon off;
master_process off;
pid $W/nginx.pid;
error_log $W/nginx.log;
events { worker_connections 256; }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    open_file_cache max=100;
    default_type application/ocsp-response;
    server { listen 127.0.0.1:$NGINX_PORT; root $W/www; }
}
EOF
    nginx -c "$W/nginx.conf" -p "$W" > "$W/nginx.out" 2>&1 &
    NGINX=$!
    sleep 0.5
    ! kill -0 "$NGINX" 2> /dev/null || break
done
curl -sSf "http://127.0.0.1:$NGINX_PORT/answer" | diff -q - "$W/www/answer"
raw() { # microseconds of CPU for one RSA-2048 signature in OpenSSL
    openssl speed -seconds 1 rsa2048 2> /dev/null | awk '/^rsa 2048/ { sub("s", "", $4); printf "%.1f", $4 * 1e6 }'
}
for _ in 1 2 3 4 5; do
    ours=$(python3 "$LOAD" "$PORT" "$OCSP" "$W/plain.der" 1)
    theirs=$(python3 "$LOAD" "$PEER_PORT" "$PEER" "$W/plain.der" 1)
    echo "kept ${ours% *} ${theirs% *}" >> "$W/rounds"
    ours=$(python3 "$LOAD" "$PORT" "$OCSP" "$W/nonce.der" 1)
    theirs=$(python3 "$LOAD" "$PEER_PORT" "$PEER" "$W/nonce.der" 1)
    echo "signed ${ours% *} ${theirs% *} $(raw)" >> "$W/rounds"
    for _ in 1 2; do # the closest race
        ours=$(python3 "$LOAD" "$PORT" "$OCSP" "$W/plain.der" 1 "$GET")
        theirs=$(python3 "$LOAD" "$NGINX_PORT" "$NGINX" "$W/plain.der" 1 /answer)
        echo "get ${ours% *} ${theirs% *}" >> "$W/rounds"
    done
done
row "OCSP answer that is kept: the responder's CPU" us lower 0.025 "$(column "$W/rounds" kept 2)" "$(column "$W/rounds" kept 3)" \
    "openssl ocsp with the same certificates"
row "OCSP answer with a nonce, signed each time: the responder's CPU" us lower - "$(column "$W/rounds" signed 2)" \
    "$(column "$W/rounds" signed 3)" "openssl ocsp with the same certificates"
row "OCSP answer that is kept, by GET: the responder's CPU" us lower 1.0 "$(column "$W/rounds" get 2)" "$(column "$W/rounds" get 3)" \
    "nginx, the same bytes as a file"
row "OCSP answers signed in a second of CPU" 1/s higher 0.7 "$(awk '$1 == "signed" { printf "%s%.1f", (n++ ? " " : ""), 1e6 / $2 }' "$W/rounds")" \
    "$(awk '$1 == "signed" { printf "%s%.1f", (n++ ? " " : ""), 1e6 / $4 }' "$W/rounds")" "RSA-2048 signatures of openssl speed"
peak() { # MiB that a process has had at most
    awk '/^VmHWM/ { printf "%.1f", $2 / 1024 }' "/proc/$1/status"
}
row "OCSP responder: memory" MiB lower 1.0 "$(peak "$OCSP")" 64 "a bound of our own"
