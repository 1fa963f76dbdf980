#!/bin/sh
# ca_issue.sh — certificates a second with all rows durable, against SoftHSM2's own signatures, and against openssl ca
. "$(dirname "$0")/bench_lib.sh"
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT
# openssl ca with 50,000 certificates in its index: made rows, of the form that it writes itself
ISSUED=50000
mkdir "$W/certs"
python3 - "$W/index" $ISSUED << 'EOF'
import sys
with open(sys.argv[1], "w", encoding="ascii") as index:
    for n in range(int(sys.argv[2])):
        index.write(f"V\t350217145959Z\t\t{0x10000000 + n:08X}\tunknown\t/C=JP/CN=holder {n}\n")
EOF
cat > "$W/ca.cnf" << EOF
[ca]
default_ca = one
[one]
database = $W/index
new_certs_dir = $W/certs
serial = $W/serial
certificate = $W/ca.pem
private_key = $W/ca.key
default_md = sha256
default_days = 1800
policy = any
unique_subject = no
[any]
countryName = optional
commonName = supplied
EOF
echo unique_subject = no > "$W/index.attr"
echo 20000000 > "$W/serial"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$W/ca.key" -out "$W/ca.pem" -subj /CN=peer -days 3650 2> /dev/null
openssl req -new -newkey rsa:2048 -nodes -keyout "$W/holder.key" -out "$W/holder.csr" -subj "/C=JP/CN=holder" 2> /dev/null
cat > "$W/turn" << EOF
start=\$(date +%s%N)
for n in 1 2 3 4 5; do
    openssl ca -batch -notext -config "$W/ca.cnf" -in "$W/holder.csr" -out "$W/out.pem" > "$W/said" 2>&1 || { cat "$W/said"; exit 1; }
done
echo "openssl \$(( \$(date +%s%N) - start ))" >> "$W/peer"
EOF
"$BUILD/tests/bench/bench_issue" "$BUILD/ca/jpki-ca" "sh $W/turn" > "$W/rounds"
openssl verify -CAfile "$W/ca.pem" "$W/out.pem" > /dev/null
row "certificates issued, rows and audit trail durable, one signer" 1/s higher 0.8 "$(column "$W/rounds" round 2)" \
    "$(column "$W/rounds" round 3)" "SoftHSM2's own C_Sign, one session"
row "certificates issued, against a CA of $ISSUED certificates" 1/s higher 40 "$(column "$W/rounds" round 2)" \
    "$(awk '{ printf "%s%.2f", (NR > 1 ? " " : ""), 5e9 / $2 }' "$W/peer")" "openssl ca, one process a certificate"
row "certificates issued: memory of the issuing process" MiB lower 1.0 "$(column "$W/rounds" memory 2)" 64 "a bound of our own"
