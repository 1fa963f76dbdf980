#!/bin/sh
# Every header compiles alone: it includes what it uses.
set -eu
top=$1
cc=$2
failed=0
count=0
flags=$(pkg-config --cflags libcrypto jansson p11-kit-1 libxml-2.0)
for header in $(cd "$top" && find common applet-sim middleware pkcs11 ca -name '*.h'); do
    count=$((count + 1))
    # shellcheck disable=SC2086
    $cc -std=c11 -D_GNU_SOURCE -DJPKI_VERSION='""' -Wall -Wextra -Werror -fsyntax-only $flags -I"$top" -I"$top/common" \
        -I"$top/middleware" -x c "$top/$header" || { echo "$header does not compile alone"; failed=1; }
done
echo "$count headers"
[ "$count" -gt 20 ] || failed=1
exit $failed
