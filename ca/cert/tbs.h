/* SPDX-License-Identifier: Apache-2.0 */
/** Certificates around a token's signature.
 *
 * A maker holds a template of one profile with the algorithm of the CA's key. Each
 * certificate is the template with its own serial, dates, subject, key and names.
 * Its TBS bytes are linted, go to the ledger and the token by their digests, and
 * are written around the signature unchanged.
 */
#ifndef CA_CERT_TBS_H
#define CA_CERT_TBS_H

#include "base/clock.h"
#include "ca/cert/alg.h"
#include "transfer/policy/request.h"

struct tbs_maker;
void tbs_maker_free(struct tbs_maker *maker);
OWN_STRUCT(tbs_maker, tbs_maker_free);

/** \param ca_cert  DER of the issuer: subject, key, and its identifier */
enum rc tbs_maker_new(struct span ca_cert, const struct profile *profile,
    struct tbs_maker **ret) MUST_CHECK;

struct leaf {
	const uint8_t *serial; /* 16 bytes */
	int64_t not_before, not_after;
	struct span spki;
	const struct name *names;
	size_t n_names;
	struct span csr_subject; /* its CSR's Name, whole DER */
};
/** Build and lint (rule LINT). `ret_tbs` is reset first, and empty on failure. */
enum rc tbs_make(struct tbs_maker *maker, const struct leaf *leaf,
    struct buf *ret_tbs) MUST_CHECK;

/** What follows a TBS: AlgorithmIdentifier, BIT STRING. Appended. */
enum rc cert_assemble_tail(const struct sign_alg *alg, struct span raw,
    struct buf *ret_tail) MUST_CHECK;

/** SEQUENCE { tbs, AlgorithmIdentifier, BIT STRING }: `raw` as the token gave it
 * (r||s or an RSA block). Appended. */
enum rc cert_assemble(const struct sign_alg *alg, struct span tbs,
    struct span raw, struct buf *ret_der) MUST_CHECK;

/** 16 bytes: top bit clear, first byte not zero (RFC 5280 4.1.2.2). */
#define CA_SERIAL_LEN 16
enum rc ca_serial_draw(uint8_t ret_serial[static CA_SERIAL_LEN]) MUST_CHECK;

/** How scopes stand in the CA's certificate. */
enum ca_constraints {
	CONSTRAINTS_CRITICAL,	  /* who does not know them refuses the CA */
	CONSTRAINTS_NON_CRITICAL, /* who does not know them passes them over */
	CONSTRAINTS_NONE,	  /* the policy alone keeps to them */
};

/** How init's own certificates are described. */
struct ca_wish {
	const char *subject; /* "CN=..., O=..." as typed */
	int64_t not_before, not_after;
	struct span serial; /* n 0: drawn */
	uint32_t path_len;
	const struct text_list *scopes; /* nameConstraints; empty: none */
	const struct text_list *scope_ip;    /* ranges; NULL or empty: none */
	const struct text_list *scope_email; /* domains; likewise */
	enum ca_constraints constraints;
	bool constrain_srv;
	bool allow_ip; /* else, and without scope_ip, excluded IP 0.0.0.0/0 and
			* ::/0 when scoped */
};
/** How far a transfer certificate's notBefore lies back: hosts whose clock is behind. */
#define TRANSFER_BACKDATE DAY
/** TBS of the CA's self-signed certificate, and of the transfer certificate. */
enum rc tbs_of_ca(const struct ca_wish *wish, struct span spki,
    struct buf *ret_tbs) MUST_CHECK;
/** What a request for the CA's certificate by another CA says before its signature:
 * subject, key, that it is to be a CA, with what path length, for what use (RFC
 * 2986 4.1). Dates, serial and what binds it are for the CA above. */
enum rc info_of_ca_request(const struct ca_wish *wish, struct span spki,
    struct buf *ret_info) MUST_CHECK;
enum rc tbs_of_transfer(struct span ca_cert, struct span spki, int64_t now,
    struct buf *ret_tbs) MUST_CHECK;

#endif
