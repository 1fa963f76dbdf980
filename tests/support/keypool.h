/* keypool.h — RSA-2048 keys made once and handed out in turn, for tests that fill the same kind of card some hundred
 * times: making a key takes longer than all that is tested. A program that links keypool_dep gets them from
 * EVP_RSA_gen(2048) itself, once the pool is filled; other kinds of keys, and all before that, are made as ever. */
#ifndef JPKI_TESTS_KEYPOOL_H
#define JPKI_TESTS_KEYPOOL_H

/* Keys that are handed out before one comes again: more than any world holds at a time. */
#define KEYPOOL_KEYS 12

void keypool_fill(void); /* fails the running test. Processes that are forked afterwards draw from the same pool, each
                            key once a round */
void keypool_free(void);

#endif
