/* SPDX-License-Identifier: Apache-2.0 */
/** What an adopted CA did before: its certificates and revocations, from
 * index.txt and from the certificates themselves.
 *
 * Both come from outside, and so a process that is locked in reads them
 * (past_read_apart); what it says is taken for what those files say, which
 * nobody could prove anyway. Of a certificate at hand the CA's signature is
 * verified there.
 */
#ifndef CA_LIFECYCLE_PAST_H
#define CA_LIFECYCLE_PAST_H

#include "base/list.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/reason.h"

struct past_cert {
	uint8_t serial[SERIAL_MAX]; /* without leading zeros */
	size_t n_serial;
	int64_t not_after;
	bool revoked;
	int64_t revoked_at;
	enum reason reason;
	int64_t since;	    /* invalidityDate; 0: none */
	struct buf subject; /* UTF-8 */
	struct buf
	    der; /* empty: not at hand, or of a form that only its time had */
};

/** How it went, for people. */
struct past_counts {
	size_t revoked, expired; /* expired: of those that are not revoked */
	size_t held,
	    removed;	  /* certificateHold, removeFromCRL: revoked for good */
	size_t late;	  /* marked V, and ended all the same */
	size_t own;	  /* of the CA itself: passed over */
	size_t unlisted;  /* at hand, and not in the index */
	size_t by_serial; /* not at hand */
};

struct past {
	struct past_cert *items; /* owned; by serial */
	size_t n;
	struct past_counts counts;
};
void past_wipe(struct past *past);

/** One file of --certs. */
struct past_file {
	struct buf path, bytes;
};

/** All of it, read whole and not looked into. */
struct past_sources {
	const char *ca_path;	/* what sentences call it */
	struct span ca_cert;	/* DER */
	bool below;		/* another CA issued it */
	struct span above;	/* DER, joined: that one and so on to the root */
	const char *index_path; /* NULL: none */
	struct buf index;
	struct past_file *files; /* owned */
	size_t n_files;
	int64_t now;
};
void past_sources_wipe(struct past_sources *sources);

/** Read the files: \param index, certs  paths; NULL: not given.
 * \retval RC_IO they cannot be read; RC_FORMAT larger than such files are */
enum rc past_sources_read(
    const char *index, const char *certs, struct past_sources *ret) MUST_CHECK;

/** What they say, in this process.
 * \retval RC_FORMAT rule INDEX-LINE: a bad line, two of one serial, the future;
 *                   ADOPT-PAST: a file that is not one certificate of this CA,
 * two of one serial, another end than its line says */
enum rc past_read(
    const struct past_sources *sources, struct past *ret) MUST_CHECK;

/** The same by a process of its own, which is started and ended here: nothing
 * may be open that it could inherit. \retval RC_STATE rule SANDBOX; RC_BUG it
 * lies */
enum rc past_read_apart(
    const struct past_sources *sources, struct past *ret) MUST_CHECK;

/** The next certificate of a file: it is DER, or PEM with text around the blocks.
 * `ret_der` is reset first; *ret_more is false at the end. */
enum rc past_cert_next(const char *from, struct span *rest,
    struct buf *ret_der, bool *ret_more) MUST_CHECK;

/** A certificate out of a file: DER, or PEM with text around it, as openssl
 * writes. `ret_der` is reset first. \retval RC_FORMAT it is not exactly one */
enum rc past_cert_take(
    const char *from, struct span file, struct buf *ret_der) MUST_CHECK;

#endif
