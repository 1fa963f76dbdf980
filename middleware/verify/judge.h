/* judge.h — from evidence to verdict: pure, no I/O, no clock, no cryptography. */
#ifndef JPKI_VERIFY_JUDGE_H
#define JPKI_VERIFY_JUDGE_H

#include "verify/verdict.h"

/* A registry's answer older than the time of validation by more than this (seconds) says nothing about it. */
#define JUDGE_REGISTRY_AGE 600

/* Combines the parts in the order of EN 319 102-1 §5.3 and §5.5: the first part that did not say "good" decides; VALID
 * when every one did. A good time-stamp is the proof of existence: revocation, expiry and a change in the registry after
 * it no longer count, and `today` tells what the verdict would be without it. *verdict is written whole. */
void judge(const struct evidence *evidence, struct verdict *verdict);

#endif
