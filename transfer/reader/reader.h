/* SPDX-License-Identifier: Apache-2.0 */
/** The reader processes: everything that touches what a stranger wrote.
 *
 * A reader starts with the right to read one directory. Its first command may
 * be "scan", answered with the bundles there as sealed memfds. Then it is told
 * to lock itself in (sandbox_strict) and checks ranges of requests of a memfd
 * that it is handed: parsing, proof of possession, keys, names.
 *
 * The signer believes none of it: see ca/intake/intake.
 */
#ifndef TRANSFER_READER_READER_H
#define TRANSFER_READER_READER_H

#include "base/child.h"
#include "transfer/media/loose.h"
#include "transfer/media/media.h"
#include "transfer/rule.h"
#include "transfer/sandbox/sandbox.h"
#include "transfer/x509/csr.h"

/** What one reader answered that was not taken yet. Nobody else's answers are
 * ever among it. */
struct reader_answers {
	struct buf record;
	size_t at;	    /* where the next one begins in it */
	uint32_t here;	    /* of them that are in it */
	uint32_t next, end; /* requests that are still to be answered */
	bool of_files;	    /* a good one brings its DER, */
	bool der_only;	    /* and nothing else */
};

/** Our end of one. It is dismissed by child_stop. */
struct reader {
	struct child child;
	int64_t waited; /* ns that it is behind with */
	bool greeted;	/* locked in; nothing was parsed before */
	struct reader_answers answers;
};
#define READER_NONE ((struct reader){ .child = CHILD_NONE })
void reader_wipe(struct reader *reader);

/** Start one, and wait until it has entered its sandbox. `media` NULL: it begins
 * locked in. A media path that is a regular file is scanned as that one bundle.
 * Whatever breaks the form of an answer is RC_FORMAT, rule READER, here and below:
 * the reader is then to be stopped.
 * \retval RC_IO     the path cannot be opened, no process
 * \retval RC_STATE  rule SANDBOX: it cannot be locked in
 * \retval RC_FORMAT rule MEDIA-FILE: neither a directory nor a regular file */
enum rc reader_start(struct reader *ret, const char *media) MUST_CHECK;

/** One file found by a scan. */
struct scanned {
	char name[MEDIA_NAME_MAX]; /* "bundle.cose" for a FILE of another form */
	struct sealed copy; /* seals are checked; none on error */
	enum rc rc;	    /* why it could not be copied, RC_OK otherwise */
	enum rule rule;
	char reason[ERR_TEXT_MAX];
};
void scanned_wipe(struct scanned *s);

/** Ask a reader for the next bundle file of its medium, in name order;
 * *ret_more is false (and nothing filled in) at the end, after which the reader
 * has locked itself in. A file that could not be copied does not end the scan:
 * it is `ret->rc`.
 * \retval RC_FORMAT the directory itself is refused (MEDIA-FILE, MEDIA-COUNT)
 * \retval RC_IO     the reader died or is silent */
enum rc reader_scan(struct reader *reader, struct scanned *ret, bool *ret_more)
    MUST_CHECK;

/** How many files a scan tells of that it does not want (private keys, CSRs in the
 * wrong place), besides those of its kind. */
#define READER_STRAYS_MAX 100

/** Ask for the loose CSRs of the medium's root (or the one FILE) instead: first
 * each file that is refused, as `ret->rc`, then the others as one set for
 * loose_read, named LOOSE_NAME, if there are any. */
enum rc reader_scan_loose(struct reader *reader, struct scanned *ret,
    bool *ret_more) MUST_CHECK;

/** Ask for all histories of the medium instead: first each response (or channel)
 * that is refused, as `ret->rc` under its name (history_is_place), then the others
 * as one set for history_set_read, named HISTORY_SET, if there are any.
 * \retval RC_FORMAT all of them are refused (MEDIA-COUNT, MEDIA-FILE) */
#define HISTORY_SET "history"
enum rc reader_scan_history(struct reader *reader, struct scanned *ret,
    bool *ret_more) MUST_CHECK;

/** Ask what else lies in a folder of CSRs, whose files somebody else hands over: one by
 * one as `ret->rc`, private keys anywhere in it and CSRs that are not taken. No more
 * than READER_STRAYS_MAX. */
enum rc reader_scan_folder(struct reader *reader, struct scanned *ret,
    bool *ret_more) MUST_CHECK;

/** The level that a reader has reached (asked of it). */
enum rc reader_level(struct reader *reader, struct sandbox_level *ret) MUST_CHECK;

/** Hand over a bundle and check the requests first..first+n-1 of it (n > 0): the
 * CSR DER spans are found by the reader itself, which keeps what it parsed for
 * the next range. A reader that was still scanning locks itself in. Asynchronous:
 * start several readers, then take their answers. */
enum rc reader_check_start(struct reader *reader, const struct sealed *copy,
    uint32_t first, uint32_t n) MUST_CHECK;

/** The same for a loose set; the index counts the set's CSRs. */
enum rc reader_check_loose_start(struct reader *reader,
    const struct sealed *copy, uint32_t first, uint32_t n) MUST_CHECK;

/** The same for files of csr_files.h, which somebody has handed us: the index counts
 * them, and each verdict brings the DER of its CSR. With `der_only` nothing more is
 * read of it: there is neither key nor name in the verdict. */
enum rc reader_check_files_start(struct reader *reader,
    const struct sealed *copy, uint32_t n, bool der_only) MUST_CHECK;

/** What a reader says of one request. */
struct verdict {
	uint32_t index;
	enum rc rc; /* RC_OK, or refused by `rule` with `reason` */
	enum rule rule;
	struct span reason;
	uint8_t key_id[SHA256_LEN]; /* of the key it found */
	struct name_list names;	    /* of the CSR, if they are good */
	enum rule names_rule;	    /* else they are refused by this one, */
	struct span names_reason;   /* should they be wanted */
	enum rule ca_rule;	    /* and it by this one, */
	struct span ca_reason;	    /* should it be no CA */
	struct csr_ca_wish ca;	    /* lasts like the reason */
	struct span der;	    /* of a file; lasts like the reason */
};
void verdict_wipe(struct verdict *v);

/** What it says, as an error of ours. */
enum rc verdict_pass(const struct verdict *v) MUST_CHECK;

/** Find the key of a request again, in its bytes, by the shortest walk there is
 * (csr_find_spki), and hold what a reader said of it against that.
 * \retval RC_FORMAT rule READER: it reports another key */
enum rc verdict_prove_key(const struct verdict *v, const char *from,
    struct span der, struct buf *room, struct span *ret_spki) MUST_CHECK;

/** The next answer, which is the one for the next request of the range; blocks.
 * Take all n of a range before the next is started. Rule and reason last until
 * the next call. What it says is the caller's to check.
 * A refusal always has a rule of ours; only RC_IO and RC_BUG come without one.
 * \retval RC_FORMAT a bundle that does not parse, by its rule; READER for more
 *                   answers than were asked for, or another's
 * \retval RC_IO     the reader died (err_text says of what) or is silent */
enum rc reader_check_next(struct reader *reader, struct verdict *ret)
    MUST_CHECK;

#endif
