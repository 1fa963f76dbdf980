/* courier.c — the delivering thread. */
#include "registry/courier.h"

#include "base/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IDLE_MILLISECONDS 1000
#define BACK_OFF_FIRST 200

struct courier {
    const char *name;
    courier_deliver_fn deliver;
    void *context;
    long retry;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t bell;
    bool woken, stopping;
    char said[sizeof((struct err *)0)->text]; /* the failure that was logged last */
};

/* True when the courier shall stop. A bell that rang during the last delivery counts. */
static bool courier_wait(struct courier *courier, long milliseconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += milliseconds % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&courier->lock);
    int rang = 0;
    while (!courier->woken && !courier->stopping && rang == 0 && milliseconds > 0)
        rang = pthread_cond_timedwait(&courier->bell, &courier->lock, &until);
    courier->woken = false;
    bool stopping = courier->stopping;
    pthread_mutex_unlock(&courier->lock);
    return stopping;
}

static void courier_report(struct courier *courier, enum rc rc, const struct err *err)
{
    char text[sizeof courier->said];
    snprintf(text, sizeof text, "%s", err_text(err, rc));
    if (strcmp(text, courier->said) == 0)
        return;
    log_warning("%s: not delivered, will try again: %s", courier->name, text);
    memcpy(courier->said, text, sizeof text);
}

static void *courier_run(void *argument)
{
    struct courier *courier = argument;
    long pause = 0, back_off = BACK_OFF_FIRST;
    while (!courier_wait(courier, pause)) {
        struct err err = { 0 };
        enum rc rc = courier->deliver(courier->context, &err);
        if (rc == RC_OK || rc == RC_NOT_FOUND) {
            if (courier->said[0])
                log_info("%s: delivering again", courier->name);
            courier->said[0] = '\0';
            back_off = BACK_OFF_FIRST;
            pause = rc == RC_OK ? 0 : IDLE_MILLISECONDS;
            continue;
        }
        courier_report(courier, rc, &err);
        pause = back_off;
        back_off = back_off * 2 > courier->retry ? courier->retry : back_off * 2;
    }
    return NULL;
}

enum rc courier_start(const char *name, courier_deliver_fn deliver, void *context, long retry, struct courier **out,
                      struct err *err)
{
    struct courier *courier = calloc(1, sizeof *courier);
    if (!courier)
        return err_set(err, RC_NOMEM, "courier");
    courier->name = name;
    courier->deliver = deliver;
    courier->context = context;
    courier->retry = retry;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&courier->bell, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&courier->lock, NULL);

    sigset_t all, before; /* signals are the main thread's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&courier->thread, NULL, courier_run, courier);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        pthread_cond_destroy(&courier->bell);
        pthread_mutex_destroy(&courier->lock);
        free(courier);
        return err_set(err, RC_NOMEM, "courier: no thread");
    }
    *out = courier;
    return RC_OK;
}

static void courier_ring(struct courier *courier, bool stop)
{
    pthread_mutex_lock(&courier->lock);
    courier->woken = true;
    courier->stopping = courier->stopping || stop;
    pthread_cond_signal(&courier->bell);
    pthread_mutex_unlock(&courier->lock);
}

void courier_wake(struct courier *courier)
{
    if (courier)
        courier_ring(courier, false);
}

void courier_stop(struct courier *courier)
{
    if (!courier)
        return;
    courier_ring(courier, true);
    pthread_join(courier->thread, NULL);
    pthread_cond_destroy(&courier->bell);
    pthread_mutex_destroy(&courier->lock);
    free(courier);
}
