/* caservices.c — command lines of the processes: a service manager types them, and the intake. */
#include "ca/caservices.h"

#include "base/log.h"
#include "base/proc.h"
#include "ca/command.h"
#include "ca/confine.h"
#include "ca/front.h"
#include "ca/ocsp.h"
#include "ca/publisher.h"
#include "ca/signer.h"

#include <stdio.h>

/* A process that goes on: as its user, until it is told to stop. */
static enum rc service_begin(const char *user, struct err *err)
{
    enum rc rc = confine_user(user, err);
    return rc ? rc : proc_catch_stop(err);
}

int caservices_serve(int argc, char **argv)
{
    struct front front = { 0 };
    const char *publication = NULL, *log = NULL, *user = NULL;
    long port = 0;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &front.state, true },
        { "--identity", "FOLDER", "operations identity of role ca", OPT_TEXT, &front.identity, true },
        { "--publication", "DIR", "where lists are published; default as founded", OPT_TEXT, &publication, false },
        { "--no-publisher", NULL, "somebody else runs 'jpki-ca publisher'", OPT_FLAG, &front.no_publisher, false },
        { "--port", "P", "TCP port; default any, printed", OPT_NUMBER, &port, false },
        { "--bind", "A", "address; default 127.0.0.1", OPT_TEXT, &front.bind, false },
        { "--pid-file", "FILE", "written when ready", OPT_TEXT, &front.pid_file, false },
        { "--log", "FILE", "log there instead of on standard error", OPT_TEXT, &log, false },
        { "--user", "NAME", "as root: become this user first", OPT_TEXT, &user, false },
        { 0 },
    };
    int status;
    struct err err = { 0 };
    proc_harden();
    if (!command_take("jpki-ca serve [OPTIONS]", "Serves CMP, the registry's events and status until it is told to stop.", opts,
              argc, argv, &status))
        return status;
    if (port < 0 || port > 65535)
        return opt_misuse("--port takes 0 to 65535");
    log_open("jpki-ca", LOG_INFO);
    if (log && log_to_file(log))
        return opt_fail("cannot write the log %s", log);
    front.port = (uint16_t)port;
    front.publication = publication;
    enum rc rc = service_begin(user, &err);
    if (!rc)
        rc = front_run(&front, &err);
    if (rc)
        log_error("%s", err_text(&err, rc));
    return command_end(rc, &err);
}

int caservices_ocsp(int argc, char **argv)
{
    struct ocsp ocsp = { .lifetime = 900, .max_age = 60, .rate = 400, .cache = 32768, .threads = 1 };
    const char *log = NULL, *user = NULL;
    long port = 0;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &ocsp.state, true },
        { "--port", "P", "TCP port; default any, printed", OPT_NUMBER, &port, false },
        { "--bind", "A", "address; default 127.0.0.1", OPT_TEXT, &ocsp.bind, false },
        { "--lifetime", "S", "seconds that an answer is good for; default 900", OPT_NUMBER, &ocsp.lifetime, false },
        { "--max-age", "S", "seconds that a cache on the way may keep one; default 60", OPT_NUMBER, &ocsp.max_age, false },
        { "--rate", "N", "signatures a second, half of them for nonces; default 400", OPT_NUMBER, &ocsp.rate, false },
        { "--cache", "N", "answers kept; default 32768", OPT_NUMBER, &ocsp.cache, false },
        { "--threads", "N", "that answer; default 1", OPT_NUMBER, &ocsp.threads, false },
        { "--pid-file", "FILE", "written when ready", OPT_TEXT, &ocsp.pid_file, false },
        { "--log", "FILE", "log there instead of on standard error", OPT_TEXT, &log, false },
        { "--user", "NAME", "as root: become this user first", OPT_TEXT, &user, false },
        { 0 },
    };
    int status;
    struct err err = { 0 };
    proc_harden();
    if (!command_take("jpki-ca ocsp [OPTIONS]",
              "Answers OCSP requests over plain HTTP from the book, until it is told to stop. Its certificates come from\n"
              "'jpki-ca serve' with the same state: until they are there it waits.",
              opts, argc, argv, &status))
        return status;
    if (port < 0 || port > 65535)
        return opt_misuse("--port takes 0 to 65535");
    if (ocsp.lifetime < 2 || ocsp.lifetime > 86400 || ocsp.max_age < 0 || ocsp.max_age > 86400 || ocsp.rate < 2 || ocsp.rate > 1000000 || ocsp.cache < 4 ||
        ocsp.cache > 4000000 || ocsp.threads < 1 || ocsp.threads > 64)
        return opt_misuse("--lifetime takes 2 to 86400, --max-age 0 to 86400, --rate 2 to 1000000, --cache 4 to 4000000, --threads 1 to 64");
    log_open("jpki-ca-ocsp", LOG_INFO);
    if (log && log_to_file(log))
        return opt_fail("cannot write the log %s", log);
    ocsp.port = (uint16_t)port;
    enum rc rc = service_begin(user, &err);
    if (!rc)
        rc = ocsp_run(&ocsp, &err);
    if (rc)
        log_error("%s", err_text(&err, rc));
    return command_end(rc, &err);
}

int caservices_publisher(int argc, char **argv)
{
    struct publisher publisher = { .config = CACONFIG_FILE };
    const char *log = NULL, *user = NULL;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities: lists/ and their certificates are read, publisher/ is its own", OPT_TEXT,
          &publisher.state, true },
        { "--publication", "DIR", "where lists are published; default as founded", OPT_TEXT, &publisher.publication, false },
        { "--once", NULL, "look once, and end with 1 when something was refused", OPT_FLAG, &publisher.once, false },
        { "--config", "FILE", "name of the configuration in the state folder", OPT_TEXT, &publisher.config, false },
        { "--pid-file", "FILE", "written when ready", OPT_TEXT, &publisher.pid_file, false },
        { "--log", "FILE", "log there instead of on standard error", OPT_TEXT, &log, false },
        { "--user", "NAME", "as root: become this user first", OPT_TEXT, &user, false },
        { 0 },
    };
    int status;
    struct err err = { 0 };
    proc_harden();
    if (!command_take("jpki-ca publisher [OPTIONS]",
              "Publishes the lists that are handed over, after judging each: one that goes back, loses an entry, or is not what\n"
              "its name says is refused, and the last one stays. 'jpki-ca serve' runs one, unless told not to.",
              opts, argc, argv, &status))
        return status;
    log_open("jpki-ca-publisher", publisher.once ? LOG_WARNING : LOG_INFO);
    if (log && log_to_file(log))
        return opt_fail("cannot write the log %s", log);
    enum rc rc = service_begin(user, &err);
    if (!rc)
        rc = publisher_run(&publisher, &err);
    return command_end(rc, &err);
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
    if (!command_take("jpki-ca signer [OPTIONS]", "The key-holding process; started by the others with a socket as descriptor 3.",
              opts, argc, argv, &status))
        return status;
    log_open("jpki-ca-signer", LOG_INFO);
    return signer_launch(&launch, 3);
}
