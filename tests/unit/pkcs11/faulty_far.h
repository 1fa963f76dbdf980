/* faulty_far.h — the faulty reader (faulty.h) for another process: the card's keeper, built with faulty_far_agent.c,
 * which reaches it over a socket. The reader and its card stay in the test's process, where the test looks at them. */
#ifndef JPKI_TESTS_FAULTY_FAR_H
#define JPKI_TESTS_FAULTY_FAR_H

#define FAULTY_FAR_SOCKET "FAULTY_FAR_SOCKET" /* the variable that names the socket */
#define FAULTY_FAR_MAX 66000u

/* The first byte of a request. An answer: a result code, "the card was reset", data. */
enum faulty_far_request {
    FAULTY_FAR_CONNECT = 'C',
    FAULTY_FAR_BEGIN = 'B',
    FAULTY_FAR_TRANSMIT = 'T',
    FAULTY_FAR_END = 'E',        /* a disposition */
    FAULTY_FAR_DISCONNECT = 'D', /* a disposition */
};

void faulty_far_open(void); /* serves until the process ends */

/* Waits until no transaction is held: the keeper ends one a moment after a call. */
void faulty_far_settle(void);

#endif
