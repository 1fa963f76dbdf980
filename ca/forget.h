/* forget.h — how long the book keeps what it knows of a certificate: until ten years after the day after its end
 * (公的個人認証法施行令 2). Then the certificate, with the four attributes in it, and the request that asked for it go; the trail
 * keeps that there was one, under its number. Revocations stand on lists until one was published after the end; in the
 * book they stay as long as the certificate. */
#ifndef JPKI_CA_FORGET_H
#define JPKI_CA_FORGET_H

#include "ca/ca.h"

#define FORGET_YEARS 10

/* Certificates that end at or before that time are forgotten at `now`. Pure. */
int64_t forget_limit(int64_t now);

/* Forgets them, some hundreds in each transaction with their audit rows; *count. An authority's own certificates stay. Can be torn
 * anywhere and run again. */
enum rc forget_run(struct ca *ca, int64_t *count, struct err *err) MUST_CHECK;

/* How many there are to forget. */
enum rc forget_count(struct ca *ca, int64_t *count, struct err *err) MUST_CHECK;

int forget_main(int argc, char **argv); /* `jpki-ca store forget`; argv[0] is "forget" */

#endif
