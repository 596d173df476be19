/* SPDX-License-Identifier: Apache-2.0 */
/** PKCS#10 requests in, checked (RFC 2986; promises 10 and 12). */
#ifndef TRANSFER_X509_CSR_H
#define TRANSFER_X509_CSR_H

#include "transfer/rule.h"
#include "transfer/x509/key.h"
#include "transfer/x509/name.h"

#define CSR_MIN 64 /* bytes of DER: docs/transfer.cddl */
#define CSR_MAX 65536
/* Of a file with one: PEM is four thirds of the DER, and people write comments
 * around it. */
#define CSR_FILE_MAX ((size_t)2 * CSR_MAX)

/** What a request wants of the certificate of a CA below. No certificate gets
 * any of it: the profile says what it gets, and a request for more is refused.
 */
struct csr_ca_wish {
	bool has_path_len;
	uint32_t path_len;	 /* CSR_PATH_LEN_MAX: that, or more */
	struct span constraints; /* value of nameConstraints; n 0: none */
};
#define CSR_PATH_LEN_MAX 256

/** What a request says, checked. */
struct csr {
	struct span spki;	/* within the DER that was read, or `spelled` */
	struct buf spelled;	/* see csr_find_spki */
	struct key_facts key;
	struct name_list names; /* of its SAN; else the CN as a dns name if it is
				 * one, else none; each once */
	enum rule names_rule;	/* they are refused by this one, if they are */
	char *names_reason;	/* wanted at all; NULL otherwise */
	enum rule ca_rule; /* it asks to be a CA, and is refused by this one */
	char *ca_reason;   /* where it is to be none; NULL otherwise */
	struct csr_ca_wish ca; /* within the DER */
};
void csr_wipe(struct csr *csr);

/** Read exactly one request; `cache` is what a loop keeps between requests
 * (WIPED(key_cache) cache = { 0 }). Frame, key and signature are strict DER;
 * what no certificate gets is not judged (subject, version 1 or 2, attributes
 * and extensions that nobody must understand). Rules: CSR-FORM,
 * CSR-SIGNATURE-ALG (MD5, SHA-1, unknown, not fitting the key), the KEY- rules,
 * CSR-POP (signature does not verify), CSR-EKU (anyExtendedKeyUsage, code
 * signing, the transfer EKU), CSR-EXTENSION (a critical one that is not read
 * here).
 *
 * Its names may never be wanted, for others may stand beside it: what is wrong
 * with them is kept in the result, and refuses by csr_names_wanted only. So is
 * that it asks to be a CA, for some profiles make CAs: rules CSR-CA (CA:TRUE, a
 * path length), CSR-KEY-USAGE (keyCertSign, cRLSign) and CSR-EXTENSION
 * (critical nameConstraints), by csr_ca_unwanted only. */
enum rc csr_read(const char *from, struct span der, struct key_cache *cache,
    struct csr *ret) MUST_CHECK;

/** Refuse a request whose names are wanted, if they are not good. Rules CSR-FORM,
 * CSR-ATTRIBUTE (two lists of extensions), CSR-TEXT (of the CN), NAME- rules. */
enum rc csr_names_wanted(const struct csr *csr) MUST_CHECK;

/** Refuse a request for what is no CA, if it asks to be one. */
enum rc csr_ca_unwanted(const struct csr *csr) MUST_CHECK;

/** Its names alone, under the same rules, but without a look at key and
 * signature: for the judge, to whom possession was proved before (at the CA) or
 * who asked himself. */
enum rc csr_names_read(
    const char *from, struct span der, struct name_list *ret) MUST_CHECK;

/** A file with one request as DER: it is DER, or PEM in ASCII, UTF-8 or UTF-16.
 * CSR-FORM when it holds none, more than one, or bytes besides; PRIVATE-KEY when it has one of those. */
enum rc csr_from_file(const char *from, struct span file, struct buf *ret_der)
    MUST_CHECK;

/** Does a file hold this DER: as it is, or in Base64, however that is broken into
 * lines and encoded? Nothing of the file is parsed for that: it is for whoever was
 * told that csr_from_file found it there. \retval RC_IO no memory */
enum rc csr_is_of_file(struct span file, struct span der, bool *ret) MUST_CHECK;

/** The SPKI within a request's DER by a minimal walk, without OpenSSL and
 * without judging anything else: for the signer, who re-finds a reported key. An
 * RSA key without its NULL parameters is spelled with them, in `room`, which is
 * emptied: one key has one SPKI, here and in its certificate. */
enum rc csr_find_spki(const char *from, struct span der, struct buf *room,
    struct span *ret_spki) MUST_CHECK;

/** Its subject (a Name, whole DER) by the same walk. */
enum rc csr_find_subject(
    const char *from, struct span der, struct span *ret_subject) MUST_CHECK;

#endif
