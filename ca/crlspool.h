/* crlspool.h — a revocation list on its way to disk: the entries go to a file without a name as they come, so that a list of
 * millions takes a few kilobytes of memory; what stands around them is put there once the key has signed. */
#ifndef JPKI_CA_CRLSPOOL_H
#define JPKI_CA_CRLSPOOL_H

#include "base/buf.h"
#include "base/err.h"
#include "pki/suite.h"

struct crlspool;

/* In the folder, which must be there and on the disk where the list will lie. RC_IO. */
enum rc crlspool_new(const char *folder, struct crlspool **spool, struct err *err) MUST_CHECK;
void crlspool_free(struct crlspool *spool);

/* One entry: serial (upper-case hex), time, reasonCode (left out for 0, as RFC 5280 §5.3.1 wants). In rising order of the
 * serial numbers. RC_FORMAT, RC_IO (disk full too). */
enum rc crlspool_add(struct crlspool *spool, const char *serial, int64_t revoked_at, int reason, struct err *err) MUST_CHECK;

/* After the last one. len: bytes of all entries. fd: borrowed, read it with offsets of your own. RC_IO. */
enum rc crlspool_finish(struct crlspool *spool, int *fd, uint64_t *len, struct err *err) MUST_CHECK;

/* The whole list, signed, under the path (a new file, durable; RC_EXISTS when there is one). head and tail: tbs_crl_frame. */
enum rc crlspool_write(struct crlspool *spool, const char *path, struct bytes head, struct bytes tail, enum suite suite,
                       struct bytes signature, struct err *err) MUST_CHECK;

#endif
