/* SPDX-License-Identifier: Apache-2.0 */
/** A TBSCertificate (RFC 5280 4.1.2) written from what it must say.
 *
 * The judge builds the one TBS that is right and compares bytes: whatever a
 * parser might overlook is a byte that differs. The signer builds its own with
 * OpenSSL, so that the two check each other.
 */
#ifndef TRANSFER_X509_TBS_H
#define TRANSFER_X509_TBS_H

#include "base/buf.h"

/** The fields; each span but the serial is whole DER. */
struct tbs {
	struct span serial;	/* magnitude, first byte not zero */
	struct span algorithm;	/* AlgorithmIdentifier */
	struct span issuer;	/* Name */
	int64_t not_before, not_after;
	struct span subject;	/* Name */
	struct span spki;	/* SubjectPublicKeyInfo */
	struct span extensions; /* SEQUENCE OF Extension */
};

enum tbs_field {
	TBS_VERSION,
	TBS_SERIAL,
	TBS_ALGORITHM,
	TBS_ISSUER,
	TBS_VALIDITY,
	TBS_SUBJECT,
	TBS_SPKI,
	TBS_EXTENSIONS,
	TBS_FIELDS,
};

/** What was written, and where each field ends in its content. */
struct tbs_bytes {
	struct buf content; /* without the outer header */
	size_t end[TBS_FIELDS];
};
void tbs_bytes_wipe(struct tbs_bytes *bytes);

/** Write a v3 TBS; `ret` is reset first. \retval RC_IO no memory */
enum rc tbs_write(const struct tbs *tbs, struct tbs_bytes *ret) MUST_CHECK;

/** The first field in which `content` differs; TBS_FIELDS when none does. Bytes
 * besides those wanted count to the last field. */
enum tbs_field tbs_differs(const struct tbs_bytes *wanted, struct span content);

/** A certificate taken apart, whole but for what its fields mean. */
struct cert_parts {
	struct span tbs;	 /* with its header: what is signed */
	struct span content;	 /* without */
	struct span algorithm;	 /* outer, whole DER */
	struct span signature;	 /* without the unused-bits octet */
	struct span serial;	 /* magnitude */
	struct span issuer;	 /* Name, whole DER */
	struct span validity;	 /* its two times, without the header */
	struct span subject;	 /* Name, whole DER */
	struct span spki;	 /* whole DER */
	struct span extensions;	 /* SEQUENCE OF Extension, whole DER */
};

/** Take one v3 certificate with extensions apart. Rule CERT-FORM: not DER, no
 * v3, bytes behind it; CERT-SERIAL: negative, zero, or over 20 bytes. */
enum rc cert_parts_read(const char *from, struct span der,
    struct cert_parts *ret) MUST_CHECK;

/** The same of a TBS that nobody has signed yet: `algorithm` is the inner one, and
 * there is no signature. */
enum rc tbs_parts_read(const char *from, struct span tbs,
    struct cert_parts *ret) MUST_CHECK;

#endif
