/* der.h — DER (ITU-T X.690): appending primitive and constructed values to a buffer, and a strict forward reader.
 * For structures that OpenSSL has no public encoder for; whatever OpenSSL encodes and decodes, it does. */
#ifndef JPKI_PKI_DER_H
#define JPKI_PKI_DER_H

#include "base/buf.h"

/* Tag byte (low-tag-number form), shortest definite length, content. */
enum rc der_append(struct buf *out, unsigned tag, struct bytes content) MUST_CHECK;

/* Tag and length alone: the content follows by another way. RC_RANGE above four bytes of length. */
enum rc der_append_header(struct buf *out, unsigned tag, uint64_t len) MUST_CHECK;

/* Reads one element at the start of *in and moves *in behind it. Definite, shortest lengths only; low-tag-number form.
 * whole may be NULL. RC_NOT_FOUND at the end, RC_FORMAT. */
enum rc der_next(struct bytes *in, unsigned *tag, struct bytes *content, struct bytes *whole) MUST_CHECK;

/* As der_next; RC_FORMAT when the tag is another one. */
enum rc der_expect(struct bytes *in, unsigned tag, struct bytes *content, struct bytes *whole) MUST_CHECK;

/* Reads tag and length alone and moves *in behind them: the content need not be there. RC_FORMAT. */
enum rc der_take_header(struct bytes *in, unsigned tag, size_t *len) MUST_CHECK;

/* The length of the element that starts here (header included), also when the bytes end before it does; at least 4 bytes
 * are wanted. RC_FORMAT when no DER SEQUENCE starts here. For certificates in files with filler behind them. */
enum rc der_sequence_length(struct bytes start, size_t *len) MUST_CHECK;

#endif
