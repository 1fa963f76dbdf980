#!/bin/sh
# ca-office.sh — the officers' side of the authorities: cr and p10cr by openssl's client, requests that wait for a second officer
# (pollReq), who may do what, revocations, reports, the trail, metrics; and requests that must change nothing.
. "$(dirname "$0")/ca-world.sh"

token
check "founding" found
anchors
for who in "ca 000000 authority" "desk-officer 462012 officer" "desk-officer 131016 stranger" "approver 462012 approver" \
    "approver 131016 elsewhere" "revoker 462012 revoker" "revoker 000000 hotline" "auditor 000000 auditor" \
    "administrator 000000 administrator" "verifier 000000 verifier"; do
    # shellcheck disable=SC2086
    check "an identity: $who" identity $who
done
check "an approver with the name of the desk's officer" "$JPKI_CA" identity --state "$W/ca" --role approver --name officer --municipality 462012 --out "$W/same"
check "serve" start
for k in one two three four; do openssl genrsa -out "$W/$k.key" 2048 2> /dev/null; done

# --- cr and p10cr ---------------------------------------------------------------------------------------------------------
request_file enrol-1 462012 319800217 20350217145959Z
check "cr and certConf" cmp officer auth -cmd cr -newkey "$W/one.key" -subject /CN=request -reqexts ext -certout "$W/one.pem" -out_trusted "$W/auth-ca.pem"
same "active" active "$(state auth "$(serial "$W/one.pem")")"
request_file enrol-2 462012 319800217 20350217145959Z
p10() { openssl req -new -config "$W/req.cnf" -key "$1" -subj /CN=request -reqexts ext -out "$2"; }
printf '[req]\ndistinguished_name=dn\n[dn]\n' >> "$W/req.cnf"
check "a PKCS #10" p10 "$W/two.key" "$W/two.csr"
check "p10cr and certConf" cmp officer auth -cmd p10cr -csr "$W/two.csr" -certout "$W/two.pem" -out_trusted "$W/auth-ca.pem"
same "active" active "$(state auth "$(serial "$W/two.pem")")"
same "for the key of the PKCS #10" "$(openssl pkey -in "$W/two.key" -pubout)" "$(openssl x509 -in "$W/two.pem" -noout -pubkey)"
openssl req -in "$W/two.csr" -outform DER -out "$W/two.der"
# the last byte of the signature
python3 - "$W/two.der" "$W/bad.der" << 'END'
import sys
der = bytearray(open(sys.argv[1], "rb").read())
der[-1] ^= 1
open(sys.argv[2], "wb").write(der)
END
openssl req -inform DER -in "$W/bad.der" -out "$W/bad.csr" 2> /dev/null
refuse "a PKCS #10 whose signature does not hold" cmp officer auth -cmd p10cr -csr "$W/bad.csr" -certout "$W/no.pem"
openssl req -new -key "$W/three.key" -subj /CN=request -out "$W/plain.csr" 2> /dev/null
refuse "a PKCS #10 without attributes" cmp officer auth -cmd p10cr -csr "$W/plain.csr" -certout "$W/no.pem"
same "two certificates" 2 "$(count auth certificates)"

# --- two persons --------------------------------------------------------------------------------------------------------------
refuse2() { # what, command … : used wrongly
    what=$1
    shift
    code=0
    "$@" > "$W/said" 2>&1 || code=$?
    same "$what" 2 "$code"
}
refuse2 "a setting that is none" "$JPKI_CA" settings --state "$W/ca" three-persons=on
refuse2 "a setting out of range" "$JPKI_CA" settings --state "$W/ca" pending-seconds=1
check "two persons from now on" "$JPKI_CA" settings --state "$W/ca" two-persons=on
grep -q "^two-persons=on" "$W/said" || fail "the setting is not told"
stop
check "serve again" start
URL=https://localhost:$PORT
decide() { "$JPKI_CA" decide --url "$URL" --identity "$W/$1" --id "$2" "${3:---approve}" ${4:+"$4"}; }
requests() { "$JPKI_CA" requests --url "$URL" --identity "$W/$1" ${2:+--id "$2"}; }
waiting() { requests "$1" | python3 -c 'import json,sys; print(" ".join(str(a["id"]) for a in json.load(sys.stdin)["approvals"]))'; }
waits() { [ "$(rows "SELECT COUNT(*) FROM waits")" = "$1" ]; } # so many transactions were told to wait
ask_in_background() { # what, key certout: the desk was told to wait, and polls
    told=$(rows "SELECT COUNT(*) FROM waits")
    ir auth "$2" "$3" -total_timeout 60 > "$W/polled" 2>&1 &
    POLL=$!
    check "$1: it waits" soon waits $((told + 1))
}
leave() { # the desk polls no more, if it has not given up by itself
    pkill -P "$POLL" || true
    ! wait "$POLL" || fail "a request that nobody approved got a certificate"
}
ask_and_leave() { # what, key
    ask_in_background "$1" "$2" "$W/no.pem"
    leave
}
request_file enrol-3 462012 319800217 20350217145959Z
ask_and_leave "an ir that nobody approves in time" "$W/three.key"
same "nothing issued" 2 "$(count auth certificates)"
ID=$(waiting approver)
same "one request waits" 1 "$(echo "$ID" | wc -w)"
same "another municipality sees none" "" "$(waiting elsewhere)"
same "the auditor sees it" "$ID" "$(waiting auditor)"
requests approver "$ID" | grep -q '"name":"試験　花子"' || fail "the approver does not see what is asked for"
! requests auditor "$ID" | grep -q "花子" || fail "the auditor sees the attributes"
refuse "shown to another municipality" requests elsewhere "$ID"
refuse "decided by another municipality" decide elsewhere "$ID"
refuse "decided by the desk's officer" decide officer "$ID"
refuse "decided by the same person with another certificate" decide same "$ID"
grep -q "own request" "$W/said" || fail "the reason is another one"
refuse "decided by the auditor" decide auditor "$ID"
refuse "a request that is none" decide approver 999999
same "a refusal without words" 400 "$(call approver POST "/v1/approvals/$ID" '{"decision":"refuse"}' | tail -n 1)"
same "a decision that is none" 400 "$(call approver POST "/v1/approvals/$ID" '{"decision":"perhaps"}' | tail -n 1)"
same "it still waits" "$ID" "$(waiting approver)"
# the desk asks in the background and polls; the approver agrees meanwhile
ask_in_background "the desk polls" "$W/three.key" "$W/three.pem"
stop
check "the intake is started again while the desk polls" start
URL=https://localhost:$PORT
leave
ask_in_background "the desk polls again" "$W/three.key" "$W/three.pem"
check "approved" decide approver "$ID"
check "approved twice is approved" decide approver "$ID"
refuse "refused after it was approved" decide approver "$ID" --refuse late
wait "$POLL" || { cat "$W/polled"; fail "the poll did not end with a certificate"; }
check "in the transaction that waited, which has ended" waits 2
same "and certConf made it active" active "$(state auth "$(serial "$W/three.pem")")"
same "nothing waits" "" "$(waiting approver)"
! requests approver "$ID" | grep -q "花子" || fail "the attributes outlive the decision"
same "the store holds no attributes of it" 0 "$(sqlite3 "$W/ca/ca.db" "SELECT COUNT(*) FROM approvals WHERE name <> '' OR address <> ''")"
request_file enrol-4 462012 319800217 20350217145959Z
ask_and_leave "another one" "$W/four.key"
ID=$(waiting approver)
check "refused" decide approver "$ID" --refuse "the paper is missing"
refuse "asked again" ir auth "$W/four.key" "$W/no.pem" -total_timeout 30
grep -q "the paper is missing" "$W/said" || fail "the desk is not told why"
# one that polls is refused while it waits: its transaction ends with the refusal, as it does with a certificate
check "what nobody came for still waits" waits 3
request_file enrol-5 462012 319800217 20350217145959Z
ask_in_background "a third one" "$W/four.key" "$W/no.pem"
check "refused while it polls" decide approver "$(waiting approver)" --refuse "another name"
! wait "$POLL" || fail "a refused request got a certificate"
grep -q "another name" "$W/polled" || fail "the desk that polls is not told why"
check "its transaction has ended" waits 3
rows "UPDATE approvals SET decided_at = decided_at - 100000 WHERE decided_at > 0"
stop
check "serve again, a day later" start
URL=https://localhost:$PORT
check "answers that no desk came for are swept" waits 0
same "three certificates" 3 "$(count auth certificates)"

# --- killed at each durable step of asking and deciding ------------------------------------------------------------------------------
torn() { # point, command … : the intake dies there, and is started again
    point=$1
    shift
    stop
    JPKI_FAULT=$point start || fail "$point: no start"
    "$@" > /dev/null 2>&1 &
    ASKER=$!
    code=0
    wait "$PID" 2> /dev/null || code=$?
    same "$point: killed there" 137 "$code"
    pkill -P "$ASKER" || true # openssl's client would look for the intake until its time is over
    wait "$ASKER" 2> /dev/null || true
    check "$point: serve again" start
    URL=https://localhost:$PORT
}
decide_now() { # the request that waits, at the intake as it runs now
    "$JPKI_CA" decide --url "https://localhost:$PORT" --identity "$W/approver" --id "$ID" --approve
}
if [ -n "${JPKI_FAULTS:-}" ]; then
    for point in approval.before_ask approval.after_ask cmp.before_keep cmp.after_keep; do
        request_file "torn-$point" 462012 319800217 20350217145959Z
        openssl genrsa -out "$W/torn.key" 2048 2> /dev/null
        torn $point ir auth "$W/torn.key" "$W/no.pem" -total_timeout 60
        ask_and_leave "$point: asked again" "$W/torn.key"
        ID=$(waiting approver)
        same "$point: once" 1 "$(echo "$ID" | wc -w)"
        check "$point: approved" decide_now
        before=$(count auth certificates)
        check "$point: issued" ir auth "$W/torn.key" "$W/torn.pem" -total_timeout 30
        same "$point: one more" $((before + 1)) "$(count auth certificates)"
        check "$point: ended" "$JPKI_CA" revoke --state "$W/ca" --authority auth --serial "$(serial "$W/torn.pem")" --reason unspecified
    done
    for point in approval.before_decide approval.after_decide; do
        request_file "torn-$point" 462012 319800217 20350217145959Z
        openssl genrsa -out "$W/torn.key" 2048 2> /dev/null
        ask_and_leave "$point" "$W/torn.key"
        ID=$(waiting approver)
        torn $point decide_now
        check "$point: decided again" decide_now
        same "$point: decided once" 1 "$(sqlite3 "$W/ca/ca.db" "SELECT COUNT(*) FROM audit WHERE action = 'approved' AND detail LIKE '% asked $ID'")"
    done
    check "the trail" "$JPKI_CA" audit-verify --state "$W/ca"
fi

# --- revocations by officers -----------------------------------------------------------------------------------------------------
end() { # identity authority serial reason why
    call "$1" POST /v1/revocations "{\"authority\":\"$2\",\"serial\":\"$3\",\"reason\":\"$4\",\"why\":\"$5\"}" | tail -n 1
}
ONE=$(serial "$W/one.pem")
TWO=$(serial "$W/two.pem")
same "the desk may not" 403 "$(end officer auth "$ONE" keyCompromise holder-request)"
same "an auditor may not" 403 "$(end auditor auth "$ONE" keyCompromise holder-request)"
same "an administrator ends no card certificate" 403 "$(end administrator auth "$ONE" keyCompromise holder-request)"
same "a revoker ends no officer" 403 "$(end hotline ops "$(serial "$W/officer/cert.pem")" keyCompromise hotline)"
same "no reason of the CRL's" 400 "$(end revoker auth "$ONE" tired holder-request)"
same "the authority's own reason" 400 "$(end revoker auth "$ONE" cACompromise holder-request)"
same "words that could name somebody" 400 "$(end revoker auth "$ONE" keyCompromise '山田 called')"
same "an unknown certificate" 404 "$(end revoker auth 7F keyCompromise holder-request)"
same "all are active still" active "$(state auth "$ONE")"
same "the loss hotline: hold" 200 "$(end hotline auth "$ONE" certificateHold hotline)"
same "revoked" revoked "$(state auth "$ONE")"
same "hold is one way" 409 "$(end hotline auth "$ONE" keyCompromise hotline)"
same "the holder's request" 200 "$(end revoker auth "$TWO" cessationOfOperation holder-request)"
same "the same again" 200 "$(end revoker auth "$TWO" cessationOfOperation holder-request)"
same "an administrator ends an officer" 200 "$(end administrator ops "$(serial "$W/stranger/cert.pem")" keyCompromise left)"
same "who is refused at once" 403 "$(call stranger GET /v1/health | tail -n 1)"
same "but not the own certificate" 403 "$(end administrator ops "$(serial "$W/administrator/cert.pem")" keyCompromise left)"

# --- reports, trail, metrics ---------------------------------------------------------------------------------------------------------
MONTH=$(TZ=Asia/Tokyo date +%Y-%m)
call auditor GET "/v1/reports?month=$MONTH" > "$W/report"
python3 - "$W/report" "${JPKI_FAULTS:-}" << 'END' || fail "the report"
import json, sys
report = json.loads(open(sys.argv[1], encoding="utf-8").read().rsplit("\n", 1)[0])
row = next(r for r in report["rows"] if r["authority"] == "auth" and r["municipality"] == "462012")
torn = 4 if sys.argv[2] else 0
assert (row["issued"], row["confirmed"], row["revoked"]) == (3 + torn, 3 + torn, 2 + torn), row
reasons = {"certificateHold": 1, "cessationOfOperation": 1}
assert row["reasons"] == ({**reasons, "unspecified": torn} if torn else reasons), row
END
same "an earlier month is empty" '{"from":"2026-09-30T15:00:00Z","rows":[],"to":"2026-10-31T15:00:00Z"}' \
    "$(call auditor GET "/v1/reports?month=2026-10" | head -n 1)"
same "no month" 400 "$(call auditor GET "/v1/reports?month=2026-13" | tail -n 1)"
same "not for the desk" 403 "$(call officer GET "/v1/reports?month=$MONTH" | tail -n 1)"
call auditor GET "/v1/audit?after=0" > "$W/trail"
python3 - "$W/trail" << 'END' || fail "the trail by JSON does not chain"
import datetime, hashlib, json, struct, sys
rows = json.loads(open(sys.argv[1], encoding="utf-8").read().rsplit("\n", 1)[0])["rows"]
last = bytes(32)
for row in rows:
    when = int(datetime.datetime.strptime(row["time"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc).timestamp())
    text = b"".join(struct.pack(">I", len(t)) + t for t in (row[k].encode() for k in ("actor", "action", "subject", "detail")))
    last = hashlib.sha256(last + struct.pack(">qq", row["sequence"], when) + text).digest()
    assert last.hex() == row["hash"].lower(), row
actions = [row["action"] for row in rows]
assert len(rows) > 20 and {"asked", "approved", "refused", "settings", "revoked", "issued"} <= set(actions), actions
END
same "the trail is the auditor's" 403 "$(call administrator GET "/v1/audit?after=0" | tail -n 1)"
same "a number that is none" 400 "$(call auditor GET "/v1/audit?after=-1" | tail -n 1)"
call administrator GET /metrics | sed '$d' > "$W/metrics"
/usr/bin/python3 - "$W/metrics" "${JPKI_FAULTS:-}" << 'END' || fail "the metrics"
import sys
from prometheus_client.parser import text_string_to_metric_families
got = {}
for family in text_string_to_metric_families(open(sys.argv[1], encoding="utf-8").read()):
    for sample in family.samples:
        got[sample.name, sample.labels.get("authority", "")] = sample.value
torn = 4 if sys.argv[2] else 0
assert got["jpki_ca_certificates", "auth"] == 3 + torn and got["jpki_ca_certificates_revoked", "auth"] == 2 + torn, got
assert got["jpki_ca_approvals_waiting", ""] == 0 and got["jpki_ca_crl_stale", ""] == 0, got
assert got["jpki_ca_audit_rows_total", ""] > 20, got
END
same "not for a verifier" 403 "$(call verifier GET /metrics | tail -n 1)"
check "the trail" "$JPKI_CA" audit-verify --state "$W/ca"
echo "$CHECKS checks"
