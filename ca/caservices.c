/* caservices.c — command lines of the processes: a service manager types them, and the intake. */
#include "ca/caservices.h"

#include "base/log.h"
#include "base/opt.h"
#include "base/proc.h"
#include "ca/confine.h"
#include "ca/front.h"
#include "ca/ocsp.h"
#include "ca/publisher.h"
#include "ca/signer.h"

#include <stdio.h>

/* What the processes that go on have in common. */
struct service {
    const char *name; /* in the log */
    enum log_level least;
    const char *log, *user;
    long port;
};

#define SERVICE_PORT(service, address)                                                                                           \
    { "--port", "P", "TCP port; default any, printed", OPT_NUMBER, &(service).port, false },                                     \
    { "--bind", "A", "address; default 127.0.0.1", OPT_TEXT, &(address), false }
#define SERVICE_PROCESS(service, pid)                                                                                            \
    { "--pid-file", "FILE", "written when ready", OPT_TEXT, &(pid), false },                                                     \
    { "--log", "FILE", "log there instead of on standard error", OPT_TEXT, &(service).log, false },                              \
    { "--user", "NAME", "as root: become this user first", OPT_TEXT, &(service).user, false }

/* With its log, as its user, until it is told to stop. */
static enum rc service_begin(const struct service *service, struct err *err)
{
    log_open(service->name, service->least);
    if (service->log && log_to_file(service->log))
        return err_set(err, RC_IO, "cannot write the log %s", service->log);
    enum rc rc = confine_user(service->user, err);
    return rc ? rc : proc_catch_stop(err);
}

static int service_end(enum rc rc, const struct err *err)
{
    if (rc)
        log_error("%s", err_text(err, rc));
    return opt_end(rc, err);
}

int caservices_serve(int argc, char **argv)
{
    struct service service = { .name = "jpki-ca", .least = LOG_INFO };
    struct front front = { 0 };
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &front.state, true },
        { "--identity", "FOLDER", "operations identity of role ca", OPT_TEXT, &front.identity, true },
        { "--publication", "DIR", "where lists are published; default as founded", OPT_TEXT, &front.publication, false },
        { "--no-publisher", NULL, "somebody else runs 'jpki-ca publisher'", OPT_FLAG, &front.no_publisher, false },
        SERVICE_PORT(service, front.bind),
        SERVICE_PROCESS(service, front.pid_file),
        { 0 },
    };
    int status;
    struct err err = { 0 };
    proc_harden();
    if (opt_only("jpki-ca serve [OPTIONS]", "Serves CMP, the registry's events and status until it is told to stop.", opts, argc,
                 argv, &status))
        return status;
    if (service.port < 0 || service.port > 65535)
        return opt_misuse("--port takes 0 to 65535");
    front.port = (uint16_t)service.port;
    enum rc rc = service_begin(&service, &err);
    if (!rc)
        rc = front_run(&front, &err);
    return service_end(rc, &err);
}

int caservices_ocsp(int argc, char **argv)
{
    struct service service = { .name = "jpki-ca-ocsp", .least = LOG_INFO };
    struct ocsp ocsp = { .lifetime = 900, .max_age = 60, .rate = 400, .cache = 32768, .threads = 1 };
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &ocsp.state, true },
        SERVICE_PORT(service, ocsp.bind),
        { "--lifetime", "S", "seconds that an answer is good for; default 900", OPT_NUMBER, &ocsp.lifetime, false },
        { "--max-age", "S", "seconds that a cache on the way may keep one; default 60", OPT_NUMBER, &ocsp.max_age, false },
        { "--rate", "N", "signatures a second, half of them for nonces; default 400", OPT_NUMBER, &ocsp.rate, false },
        { "--cache", "N", "answers kept; default 32768", OPT_NUMBER, &ocsp.cache, false },
        { "--threads", "N", "that answer; default 1", OPT_NUMBER, &ocsp.threads, false },
        SERVICE_PROCESS(service, ocsp.pid_file),
        { 0 },
    };
    int status;
    struct err err = { 0 };
    proc_harden();
    if (opt_only("jpki-ca ocsp [OPTIONS]",
                 "Answers OCSP requests over plain HTTP from the book, until it is told to stop. Its certificates come from\n"
                 "'jpki-ca serve' with the same state: until they are there it waits.",
                 opts, argc, argv, &status))
        return status;
    if (service.port < 0 || service.port > 65535)
        return opt_misuse("--port takes 0 to 65535");
    if (ocsp.lifetime < 2 || ocsp.lifetime > 86400 || ocsp.max_age < 0 || ocsp.max_age > 86400 || ocsp.rate < 2 ||
        ocsp.rate > 1000000 || ocsp.cache < 4 || ocsp.cache > 4000000 || ocsp.threads < 1 || ocsp.threads > 64)
        return opt_misuse("--lifetime takes 2 to 86400, --max-age 0 to 86400, --rate 2 to 1000000, --cache 4 to 4000000, "
                          "--threads 1 to 64");
    ocsp.port = (uint16_t)service.port;
    enum rc rc = service_begin(&service, &err);
    if (!rc)
        rc = ocsp_run(&ocsp, &err);
    return service_end(rc, &err);
}

int caservices_publisher(int argc, char **argv)
{
    struct service service = { .name = "jpki-ca-publisher" };
    struct publisher publisher = { .config = CACONFIG_FILE };
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities: lists/ and their certificates are read, publisher/ is its own", OPT_TEXT,
          &publisher.state, true },
        { "--publication", "DIR", "where lists are published; default as founded", OPT_TEXT, &publisher.publication, false },
        { "--once", NULL, "look once, and end with 1 when something was refused", OPT_FLAG, &publisher.once, false },
        { "--config", "FILE", "name of the configuration in the state folder", OPT_TEXT, &publisher.config, false },
        SERVICE_PROCESS(service, publisher.pid_file),
        { 0 },
    };
    int status;
    struct err err = { 0 };
    proc_harden();
    if (opt_only("jpki-ca publisher [OPTIONS]",
                 "Publishes the lists that are handed over, after judging each: one that goes back, loses an entry, or is not what\n"
                 "its name says is refused, and the last one stays. 'jpki-ca serve' runs one, unless told not to.",
                 opts, argc, argv, &status))
        return status;
    service.least = publisher.once ? LOG_WARNING : LOG_INFO;
    enum rc rc = service_begin(&service, &err);
    if (!rc)
        rc = publisher_run(&publisher, &err);
    return opt_end(rc, &err);
}

int caservices_signer(int argc, char **argv)
{
    struct launch launch = { .file = CACONFIG_FILE };
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &launch.folder, true },
        { "--config", "FILE", "name of the configuration in it", OPT_TEXT, &launch.file, false },
        { "--publish", "DIR", "a publisher beside it, which publishes there", OPT_TEXT, &launch.publication, false },
        { 0 },
    };
    int status;
    if (opt_only("jpki-ca signer [OPTIONS]", "The key-holding process; started by the others with a socket as descriptor 3.",
                 opts, argc, argv, &status))
        return status;
    log_open("jpki-ca-signer", LOG_INFO);
    return signer_launch(&launch, 3);
}
