#!/bin/bash
# The module under OpenSSH: keys listed, a login to an sshd of our own straight from the card and through ssh-agent; the agent
# after the card was away; and what an agent with both tokens and one PIN costs: no try.
. "$(dirname "$0")/card_lib.sh"
ssh_module=$auth_module

begin "ssh-keygen -D"
ssh-keygen -D "$ssh_module" >listed 2>out.out
grep 'User Authentication Public Key' listed >keys # OpenSSH lists the authority's certificate as a key too
[ "$(wc -l <keys)" = 1 ]
want '^ssh-rsa ' keys
[ ! -s out.out ] # nothing that OpenSSH would complain about
say

step="sshd"
ssh-keygen -q -t ed25519 -N '' -f host_key
cp keys authorized
[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >sshd_config <<END
ListenAddress 127.0.0.1
Port $port
HostKey $folder/host_key
PidFile none
AuthorizedKeysFile $folder/authorized
AuthenticationMethods publickey
PermitRootLogin yes
UsePAM no
StrictModes no
END
/usr/sbin/sshd -D -e -f sshd_config >sshd.out 2>&1 &
pids="$pids $!"
until_true grep -q 'Server listening' sshd.out
printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 host_key.pub)" >known_hosts
printf '#!/bin/sh\necho asked >>%s/asked\nprintf "%%s\\n" "$(cat %s/pin)"\n' "$folder" "$folder" >askpass
chmod +x askpass
echo 1234 >pin
export SSH_ASKPASS=$folder/askpass SSH_ASKPASS_REQUIRE=force
log_in() { # options
    timeout 30 setsid ssh -F none -o UserKnownHostsFile="$folder/known_hosts" -o StrictHostKeyChecking=yes \
        -o PreferredAuthentications=publickey "$@" -p "$port" "$(id -un)@127.0.0.1" 'echo logged in' </dev/null
}

begin "login with PKCS11Provider"
log_in -o PKCS11Provider="$ssh_module" -o IdentityAgent=none >out.out 2>ssh.out
want '^logged in' out.out
want 'Accepted publickey' sshd.out
say

step="ssh-agent"
eval "$(ssh-agent -s -P "$(dirname "$ssh_module")/*")" >out.out
pids="$pids $SSH_AGENT_PID"
begin "ssh-add -s, three logins"
ssh-add -s "$ssh_module" >out.out 2>&1
ssh-add -L >out.out 2>&1
want "$(cut -d' ' -f2 keys)" out.out
rm -f asked
for _ in 1 2 3; do
    log_in >out.out 2>ssh.out
    want '^logged in' out.out
done
[ ! -e asked ] # the agent was told the PIN once
say

begin "ssh-agent after the card was away: no login without it, and again after ssh-add"
remove_card
fails log_in >out.out 2>&1
insert_card
ssh-add -e "$ssh_module" >out.out 2>&1
ssh-add -s "$ssh_module" >out.out 2>&1
log_in >out.out 2>ssh.out
want '^logged in' out.out
say

begin "rsa-sha2-512, rsa-sha2-256"
for algorithm in rsa-sha2-512 rsa-sha2-256; do
    log_in -o PubkeyAcceptedAlgorithms=$algorithm >out.out 2>ssh.out
    want '^logged in' out.out
done
say

begin "both tokens and one PIN: the other token's counter is not touched"
ssh-add -e "$ssh_module" >out.out 2>&1
ssh-add -s "$module" >out.out 2>&1
ssh-add -L >out.out
want "$(cut -d' ' -f2 keys)" out.out
pkcs11-tool --module "$module" -L >out.out 2>&1
refuse 'PIN try' out.out
say

begin "ssh-keygen -Y sign: a file"
cut -d' ' -f1,2 keys >identity.pub
ssh-keygen -Y sign -f identity.pub -n file data >out.out 2>&1
printf 'holder %s\n' "$(cat identity.pub)" >signers
ssh-keygen -Y verify -f signers -I holder -n file -s data.sig <data >out.out 2>&1
want '^Good "file" signature' out.out
say
