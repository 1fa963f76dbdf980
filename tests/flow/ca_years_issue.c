/* ca_years_issue.c — issues one signature certificate without a desk, for ca-years.sh: TLS and openssl's CMP client know no injected
 * clock. ca_years_issue PROGRAM STATE REQUEST SPKI OUT [RENEWED-SERIAL] */
#include "base/clock.h"
#include "base/file.h"
#include "ca/issue.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct err err = { 0 };
    struct ca *ca = NULL;
    struct buf key = { 0 };
    struct book_cert row = { 0 };
    struct attributes person = { .name = "試験　花子", .birth = "319800217", .sex = "2",
                                 .address = "鹿児島県鹿児島市試験町１番地" };
    if (argc < 6)
        return 2;
    attributes_no_substitutes(&person);
    enum rc rc = file_read(argv[4], &key, &err);
    struct issue_order order = { .authority = AUTHORITY_SIGN, .request = argv[3], .public_key = buf_bytes(&key),
                                 .municipality = "462012", .officer = "desk-officer 01", .attributes = &person,
                                 .card_expiry = clock_now() + 12 * 366 * 86400LL, .renews = argc > 6 ? argv[6] : NULL };
    if (!rc)
        rc = ca_open(argv[1], argv[2], CACONFIG_FILE, CA_SIGN, &ca, &err);
    if (!rc)
        rc = issue_certificate(ca, &order, &row, &err);
    if (!rc)
        rc = issue_confirm(ca, row.id, "desk-officer 01", &err);
    if (!rc)
        rc = file_write_atomic(argv[5], buf_bytes(&row.certificate), 0644, &err);
    if (rc)
        fprintf(stderr, "%s\n", err_text(&err, rc));
    book_cert_wipe(&row);
    buf_wipe(&key);
    ca_close(ca);
    return rc ? 1 : 0;
}
