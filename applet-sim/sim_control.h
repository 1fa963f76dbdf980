/* sim_control.h — telling a running reader to take a card in or out: one line there, lines back, the last of them "ok" or
 * "error WORDS", over a Unix socket that only its owner reaches.
 *   slots            a line for each reader
 *   insert N PATH    puts the card into reader N; without PATH, puts a pulled card back
 *   eject N          takes the card out of reader N and lets its file go */
#ifndef JPKI_APPLET_SIM_SIM_CONTROL_H
#define JPKI_APPLET_SIM_SIM_CONTROL_H

#include "base/buf.h"
#include "base/err.h"

enum sim_wish { SIM_WISH_SLOTS, SIM_WISH_INSERT, SIM_WISH_EJECT };

struct sim_request {
    enum sim_wish wish;
    unsigned slot;
    const char *path; /* borrowed from the line; NULL for none */
};

/* One line without its end. RC_FORMAT. */
enum rc sim_control_parse(const char *line, struct sim_request *request, struct err *err) MUST_CHECK;

/* Asks and waits for the answer; the lines before the last are appended to out. RC_UNREACHABLE: nobody listens there;
 * RC_REFUSED: the reader said no, err has its words; RC_IO. */
enum rc sim_control_ask(const char *socket, const char *line, struct buf *out, struct err *err) MUST_CHECK;

#endif
