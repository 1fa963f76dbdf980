/* sim_slot.h — one reader of the program: a card or none, vpcd's connection or a Unix socket or both, and the clients of
 * the card. Inside of sim_reader, for no other room. */
#ifndef JPKI_APPLET_SIM_SIM_SLOT_H
#define JPKI_APPLET_SIM_SIM_SLOT_H

#include "applet-sim/sim_link.h"
#include "applet-sim/sim_peer.h"
#include "applet-sim/sim_reader.h"

#define SLOT_PEERS 32

struct slot {
    const struct sim_slot *config;
    const struct sim_reader *reader;
    FILE *trace; /* borrowed; NULL: none */
    char name[24];
    struct sim_store *store; /* NULL: empty, or a card without a store */
    struct sim_link *link;   /* NULL: empty */
    struct sim_plan *plan;
    struct addrinfo *vpcd;
    int calling; /* a call to vpcd that is not taken yet, -1 for none */
    int listener;
    struct sim_peer peers[SLOT_PEERS]; /* [0] is vpcd's */
    int holder;                        /* index of the peer that spoke last, -1 for none */
    bool locked;                       /* for the holder, until it says so or is gone */
    int64_t spoke;                     /* when */
    int64_t called;                    /* when vpcd was called last */
    int64_t back;                      /* when a pulled card is put back; -1: it is not */
    struct buf held;                   /* an answer that really takes its time */
    int held_for;                      /* its peer, -1 for none */
    int64_t due;                       /* when it is sent */
    bool waiting;                      /* a peer waits for another one's silence */
};

/* Parses the plan, resolves vpcd, puts the first card in. */
enum rc slot_open(struct slot *slot, const struct sim_reader *reader, size_t number, FILE *trace, struct err *err) MUST_CHECK;
void slot_close(struct slot *slot);

/* RC_STATE: there is a card in it (or, without a path, no card that was pulled); what sim_store_open and sim_peer_listen
 * return. */
enum rc slot_insert(struct slot *slot, const char *path, struct err *err) MUST_CHECK;
enum rc slot_eject(struct slot *slot, struct err *err) MUST_CHECK; /* RC_STATE: it is empty */

/* Does all that can be done now; true when it must be called again before a descriptor tells. */
void slot_serve(struct slot *slot);
/* When slot_serve has something to do that no descriptor tells; -1 for never. */
int64_t slot_until(const struct slot *slot);
void slot_receive(struct slot *slot, int index);
void slot_accept(struct slot *slot);
void slot_called(struct slot *slot); /* the call to vpcd was taken or refused */

/* One line about it, without its end. */
enum rc slot_describe(const struct slot *slot, struct buf *out) MUST_CHECK;

#endif
