/* SPDX-License-Identifier: Apache-2.0 */
/* For `inspect`: form first, then what the signature is worth under the key
 * in the file. Whose key that is nobody can tell from the file, and the
 * verdict says so. */
#include "transfer/online/cmd/diag.h"

#include "base/own_ssl.h"
#include "transfer/format/payload.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"

#include <openssl/err.h>
#include <stdio.h>

/* A fault of the signature is told, not returned: the content may be looked at
 * all the same. */
static enum rc
signature_judged(struct diag *d, enum rc rc)
{
	if (rc == RC_IO)
		return rc;
	d->signature = rc;
	(void)snprintf(
	    d->reason, sizeof(d->reason), "%s", rc == RC_OK ? "" : err_text());
	d->rule = rc == RC_OK ? RULE_NONE : rule_spoken();
	return RC_OK;
}

static enum rc
bundle_signature(const char *from, const struct cose *c, const struct bundle *b,
    const uint8_t key_id[static SHA256_LEN])
{
	const unsigned char *end = b->spki.p;
	OWN(EVP_PKEY) *key = NULL;

	if (!span_eq(c->kid, span_of(key_id, SHA256_LEN)))
		return rule_refuse(RULE_BUNDLE_KID,
		    "%s: its kid is not the digest of the key that it carries",
		    from);
	key = d2i_PUBKEY(NULL, &end, (long)b->spki.n);
	if (key == NULL || end != b->spki.p + b->spki.n) {
		ERR_clear_error();
		return rule_refuse(RULE_COSE_SIGNATURE,
		    "%s: the key that it carries is not a public key", from);
	}
	return cose_verify(from, c, key);
}

static enum rc
bundle_judge(const char *from, struct diag *d)
{
	WIPED(bundle) b = { .sequence = 0 };
	enum rc rc = bundle_read(from, d->cose.payload, &b);

	if (rc == RC_OK)
		rc = sha256(b.spki, d->fingerprint);
	if (rc != RC_OK)
		return rc;
	d->has_fingerprint = true;
	return signature_judged(
	    d, bundle_signature(from, &d->cose, &b, d->fingerprint));
}

static enum rc
certificate_signature(const char *from, const struct cose *c)
{
	OWN(X509) *cert = cert_of_der(c->cert);
	EVP_PKEY *key = NULL;
	enum rc rc = cert == NULL ? RC_OK : cert_key_get0(from, cert, &key);

	if (rc != RC_OK)
		return rc;
	if (key == NULL)
		return rule_refuse(RULE_COSE_SIGNATURE,
		    "%s: its x5chain is not a certificate with a usable key",
		    from);
	return cose_verify(from, c, key);
}

static enum rc
manifest_judge(const char *from, struct diag *d)
{
	WIPED(manifest) m = { .sequence = 0 };
	enum rc rc = manifest_read(from, d->cose.payload, &m);

	if (rc != RC_OK)
		return rc;
	return signature_judged(d, certificate_signature(from, &d->cose));
}

static enum rc
diag_read_card_judge(const char *from, struct diag *d)
{
	WIPED(card) card = { .n_certs = 0 };
	enum rc rc = card_read(from, d->cose.payload, &card);

	if (rc == RC_OK)
		rc = sha256(card.certs[0], d->fingerprint);
	if (rc != RC_OK)
		return rc;
	d->has_fingerprint = true;
	return signature_judged(d, certificate_signature(from, &d->cose));
}

enum rc
diag_read(const char *from, struct span file, struct diag *ret)
{
	struct diag d = { .signature = RC_OK };
	enum cose_type type;
	enum rc rc = cose_read_type(from, file, &type);

	if (rc == RC_OK)
		rc = cose_read(from, file, type, &d.cose);
	if (rc != RC_OK)
		return rc;
	switch (type) {
	case COSE_BUNDLE:
		rc = bundle_judge(from, &d);
		break;
	case COSE_MANIFEST:
		rc = manifest_judge(from, &d);
		break;
	case COSE_CARD:
		rc = diag_read_card_judge(from, &d);
		break;
	}
	if (rc == RC_OK)
		*ret = d;
	return rc;
}

const char *
diag_kind(const struct diag *diag)
{
	static const char *const kinds[] = {
		[COSE_BUNDLE] = "csr-bundle",
		[COSE_MANIFEST] = "transfer-manifest",
		[COSE_CARD] = "ca-card",
	};

	return kinds[diag->cose.type];
}

const char *
diag_verdict(const struct diag *diag)
{
	if (diag->signature != RC_OK)
		return "signature BAD: do not trust this file";
	switch (diag->cose.type) {
	case COSE_BUNDLE:
		return "signature good under the key in the file; whose key that is: compare its words";
	case COSE_MANIFEST:
		return "signature good under the certificate in the file; whether that certificate is the CA's: run verify";
	case COSE_CARD:
		break;
	}
	return "signature good under the certificate in the file; whether the card is the CA's: compare its words";
}

const char *
diag_fingerprint_of(const struct diag *diag)
{
	return diag->cose.type == COSE_BUNDLE ? "key of the requester"
					      : "CA certificate";
}
