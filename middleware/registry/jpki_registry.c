/* jpki_registry.c — the program: its commands as rows. */
#include "base/opt.h"
#include "registry/program.h"
#include "registry/schema.h"
#include "store/storecmd.h"

#include <stddef.h>

static int store_main(int argc, char **argv)
{
    static const struct command more[] = {
        { "partition", NULL, "in how many partitions a national store's large tables are", partition_main },
        { 0 },
    };
    const struct storecmd cmd = { "jpki-registry", registry_migrations, registry_migration_count, "--store", "URL",
                                  "a node's store: postgresql://…, sqlite:PATH or a path", NULL, more, schema_shape };
    return storecmd_run(&cmd, argc, argv);
}

static const struct command commands[] = {
    { "populate", NULL, "fill a new municipal store with a synthetic town", populate_main },
    { "serve", NULL, "run a municipal or the national node", serve_main },
    { "find", NULL, "ask a municipal node for a resident", find_main },
    { "move", NULL, "record a move within the municipality (転居)", move_main },
    { "record", "ACT", "record a birth, a death, a moving out, a correction", record_main },
    { "confirm", NULL, "ask the national node about a certificate's person", confirm_main },
    { "consent", "COMMAND", "a resident's consent to give a service the newest attributes", consent_main },
    { "serials", NULL, "ask for the other certificates of this certificate's person", serials_main },
    { "verifiers", NULL, "which verifiers may have serial numbers linked", verifiers_main },
    { "card", "COMMAND", "the card ledger: issue, lost, found, return, show and others", card_main },
    { "copy", "COMMAND", "住民票の写し: of this municipality's register or another's", copy_main },
    { "service", "COMMAND", "services by ordinance on the card: offer, choose, use", service_main },
    { "kiosk", "COMMAND", "コンビニ交付: a copy at a kiosk, and its hours", kiosk_main },
    { "tasks", "[FILE]", "load and print the tasks of the law, for which agencies get data", tasks_main },
    { "provide", NULL, "ask for 本人確認情報 as an agency: one or a batch", provide_main },
    { "disclose", "COMMAND", "the rights of residents: own record, uses, correction; reports", disclose_main },
    { "notice", "COMMAND", "a signed notice that a node has kept, and its signature", notice_main },
    { "sample", NULL, "print some residents of a store (synthetic people)", sample_main },
    { "usage", NULL, "print who used a resident's record", usage_main },
    { "leave", NULL, "record a 転出届 to another municipality", leave_main },
    { "leave-withdraw", NULL, "withdraw a 転出届 before its planned day (転出取消)", leave_withdraw_main },
    { "arrive", NULL, "record a 転入届 from another municipality", arrive_main },
    { "reconcile", NULL, "compare a municipality's store with the prefecture's or the nation's", reconcile_main },
    { "blocked", NULL, "show the notice that is refused for good; decide about it", blocked_main },
    { "letters", NULL, "print the written notices to residents", letters_main },
    { "retention", NULL, "print or erase what is past its time of keeping", retention_main },
    { "settings", "[NAME=DATE]", "print or change the days from which rules hold", settings_main },
    { "store", "COMMAND", "backup, restore, copy to another engine, check", store_main },
    { "status", NULL, "print what a store holds and what is still to be told", status_main },
    { 0 },
};

int main(int argc, char **argv)
{
    return opt_dispatch("jpki-registry",
                        "The resident registry (住民基本台帳ネットワーク): municipal nodes keep their residents, the national\n"
                        "node confirms them and tells the certification authorities of changes.",
                        commands, argc, argv);
}
