/* verdict_report.h — a verdict and its evidence for people (text) and for programs (JSON). */
#ifndef JPKI_VERIFY_VERDICT_REPORT_H
#define JPKI_VERIFY_VERDICT_REPORT_H

#include "base/buf.h"
#include "verify/verdict.h"

/* The first line: "VALID  TOTAL_PASSED", "REVOKED  INDETERMINATE/REVOKED_NO_POE revoked 2026-…Z affiliationChanged",
 * with the proof's time when the verdict rests on one; then one item of evidence a line. Holds the signer's attributes:
 * for whoever asked, not for a log. Control characters in names that others wrote are shown as '?'. */
enum rc verdict_report_text(const struct evidence *evidence, const struct verdict *verdict, struct buf *out) MUST_CHECK;

/* The same as one JSON object, members in alphabetical order. */
enum rc verdict_report_json(const struct evidence *evidence, const struct verdict *verdict, struct buf *out) MUST_CHECK;

#endif
