#!/bin/sh
# A pinentry program for tests: speaks the Assuan protocol, writes down what it is told to $FAKE_PINENTRY.log, and answers
# GETPIN by the next line of $FAKE_PINENTRY: a PIN, "cancel", "vanish" (ends without an answer), "flood" (too long a PIN).
echo "OK Pleased to meet you"
while read -r line; do
    echo "$line" >>"$FAKE_PINENTRY.log"
    case "$line" in
    GETPIN)
        answer=$(head -n 1 "$FAKE_PINENTRY")
        sed -i 1d "$FAKE_PINENTRY"
        case "$answer" in
        cancel) echo "ERR 83886179 Operation cancelled <Pinentry>" ;;
        vanish) exit 1 ;;
        flood) echo "D $(printf '%0200d' 7)"; echo OK ;;
        *) echo "D $answer"; echo OK ;;
        esac ;;
    OPTION*) echo "ERR 83886254 Unknown option <Pinentry>" ;;
    BYE) echo "OK closing connection"; exit 0 ;;
    *) echo OK ;;
    esac
done
