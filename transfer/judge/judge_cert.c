/* SPDX-License-Identifier: Apache-2.0 */
/* One certificate: the TBS that is right is built from what was asked and
 * compared byte for byte, and the signature is verified over those bytes. No
 * field is parsed to be believed; parsing only serves the sentence that says
 * what differs. */
#include "base/own_ssl.h"
#include "transfer/judge/judge_state.h"
#include "transfer/policy/subject.h"
#include "transfer/rule.h"
#include "transfer/x509/der.h"
#include "transfer/x509/signature.h"

#include <openssl/rsa.h>
#include <stdlib.h>

#define SERIAL_MIN 8 /* bytes: 64 random bits are promised */

void
judge_free(struct judge *judge)
{
	if (judge == NULL)
		return;
	for (size_t i = 0; judge->cas != NULL && i < judge->trust->n_cas; i++) {
		struct judge_ca *ca = &judge->cas[i];

		EVP_PKEY_CTX_free(ca->verify);
		EVP_MD_free(ca->digest);
		for (size_t j = 0;
		     ca->plans != NULL && j < judge->policy->n_profiles; j++)
			extension_plan_wipe(&ca->plans[j]);
		free(ca->plans);
	}
	free(judge->cas);
	EVP_MD_CTX_free(judge->md);
	tbs_bytes_wipe(&judge->tbs);
	extension_list_wipe(&judge->list);
	buf_wipe(&judge->subject);
	buf_wipe(&judge->extensions);
	digest_set_wipe(&judge->passed);
	free(judge);
}

/* One context serves every signature of a CA: making one costs as much as a
 * tenth of the verification. */
static enum rc
open_ca(const struct trust_ca *trusted, size_t n_profiles, struct judge_ca *ca)
{
	ca->plans = calloc(n_profiles + 1, sizeof(*ca->plans));
	if (ca->plans == NULL)
		return err_memory();
	ca->digest =
	    EVP_MD_fetch(NULL, EVP_MD_get0_name(trusted->digest), NULL);
	ca->verify = EVP_PKEY_CTX_new_from_pkey(NULL, trusted->key, NULL);
	if (ca->digest == NULL || ca->verify == NULL ||
	    EVP_PKEY_verify_init(ca->verify) != 1 ||
	    (EVP_PKEY_is_a(trusted->key, "RSA") &&
		EVP_PKEY_CTX_set_rsa_padding(ca->verify, RSA_PKCS1_PADDING) !=
		    1) ||
	    EVP_PKEY_CTX_set_signature_md(ca->verify, ca->digest) != 1)
		return err_openssl(RC_BUG, "the CA's key cannot verify");
	return RC_OK;
}

enum rc
judge_new(
    const struct trust *trust, const struct policy *policy, struct judge **ret)
{
	OWNS(judge) *judge = calloc(1, sizeof(*judge));

	if (judge == NULL)
		return err_memory();
	judge->trust = trust;
	judge->policy = policy;
	judge->md = EVP_MD_CTX_new();
	judge->cas = calloc(trust->n_cas + 1, sizeof(*judge->cas));
	if (judge->md == NULL || judge->cas == NULL)
		return err_memory();
	for (size_t i = 0; i < trust->n_cas; i++) {
		enum rc rc =
		    open_ca(&trust->cas[i], policy->n_profiles, &judge->cas[i]);

		if (rc != RC_OK)
			return rc;
	}
	*ret = MOVE(judge);
	return RC_OK;
}

/* ---- whose, and by which profile ----------------------------------------- */

/* From the newest on: a renewed CA certificate has the key of an older one.
 * Where no issuer is stated (offline, while there is no manifest yet) it is the
 * newest, for that one signs. */
static enum rc
find_ca(const struct judge *judge, const struct expected *e, size_t *ret)
{
	const struct trust *trust = judge->trust;

	if (e->issuer == NULL && trust->n_cas != 0) {
		*ret = trust->n_cas - 1;
		return RC_OK;
	}
	for (size_t i = trust->n_cas; e->issuer != NULL && i-- > 0;) {
		if (memcmp(trust->cas[i].key_id, e->issuer, SHA256_LEN) != 0)
			continue;
		*ret = i;
		return RC_OK;
	}
	return rule_refuse(RULE_CERT_ISSUER,
	    "%s: said to be issued by a key that is not pinned", e->from);
}

/* Made at the first certificate of a profile and kept: OpenSSL's config
 * reader is slow, and its result is the same each time. */
static enum rc
find_plan(struct judge *judge, size_t ca, const struct expected *e,
    const struct profile **ret_profile, const struct extension_plan **ret_plan)
{
	const struct profile *profile =
	    policy_profile_get0(judge->policy, e->profile);
	const struct trust_ca *trusted = &judge->trust->cas[ca];
	struct extension_issuer issuer;
	struct extension_plan *plan;
	enum rc rc;

	if (profile == NULL)
		return rule_refuse(RULE_PROFILE_UNKNOWN,
		    "%s: the policy has no profile \"%.*s\"", e->from,
		    SPAN_FMT(e->profile));
	plan = &judge->cas[ca].plans[profile - judge->policy->profiles];
	if (plan->n == 0) {
		rc = extension_issuer_read("the CA's certificate",
		    buf_span(&trusted->der), trusted->ski, &issuer);
		if (rc == RC_OK)
			rc = extension_plan_make(profile, &issuer, plan);
		if (rc != RC_OK)
			return err_in(rc, "%s", e->from);
	}
	*ret_profile = profile;
	*ret_plan = plan;
	return RC_OK;
}

/* ---- the one TBS that is right ------------------------------------------- */

static enum rc
build(struct judge *judge, size_t ca, struct span serial,
    const struct expected *e)
{
	const struct trust_ca *issuer = &judge->trust->cas[ca];
	const struct extension_plan *plan = NULL;
	const struct profile *profile = NULL;
	OWN(X509_NAME) *subject = NULL;
	struct tbs tbs;
	enum rc rc;

	rc = find_plan(judge, ca, e, &profile, &plan);
	if (rc == RC_OK)
		rc = subject_of(
		    profile, e->csr_subject, e->names, e->n_names, &subject);
	buf_reset(&judge->subject);
	if (rc == RC_OK)
		rc = subject_write(subject, &judge->subject);
	if (rc == RC_OK)
		rc = extension_list_make(plan, e->spki, e->names, e->n_names,
		    X509_NAME_entry_count(subject) == 0, &judge->list);
	buf_reset(&judge->extensions);
	if (rc == RC_OK)
		rc = extension_list_write(&judge->list, &judge->extensions);
	if (rc != RC_OK)
		return rc;
	tbs = (struct tbs){ .serial = serial,
		.algorithm = issuer->algorithm,
		.issuer = buf_span(&issuer->subject),
		.not_before = e->not_before,
		.not_after = e->not_after,
		.subject = buf_span(&judge->subject),
		.spki = e->spki,
		.extensions = buf_span(&judge->extensions) };
	return tbs_write(&tbs, &judge->tbs);
}

/* ---- saying what differs ------------------------------------------------- */

struct difference {
	enum rule rule;
	const char *what;
};

static const struct difference differences[TBS_FIELDS] = {
	[TBS_VERSION] = { RULE_CERT_FORM, "not X.509 v3" },
	[TBS_SERIAL] = { RULE_CERT_SERIAL, "another serial than stated" },
	[TBS_ALGORITHM] = { RULE_CERT_SIGNATURE,
	    "not signed with the algorithm of the CA's key" },
	[TBS_ISSUER] = { RULE_CERT_ISSUER,
	    "its issuer is not the CA's subject, byte for byte" },
	[TBS_VALIDITY] = { RULE_CERT_DATES, "other dates than stated" },
	[TBS_SUBJECT] = { RULE_CERT_PROFILE,
	    "another subject than the profile makes of these names" },
	[TBS_SPKI] = { RULE_CERT_KEY, "another key than its request has" },
};

/* One Extension, or its OID, of a list that may be anything. */
static bool
next_extension(struct span *list, struct der *ret, struct span *ret_oid)
{
	struct span body;

	if (!der_take_whole(list, DER_SEQUENCE, ret))
		return false;
	body = ret->content;
	return der_take(&body, DER_OID, ret_oid);
}

static bool
has_extension(struct span list, struct span wanted)
{
	struct span oid;
	struct der e;

	while (next_extension(&list, &e, &oid))
		if (span_eq(oid, wanted))
			return true;
	return false;
}

static enum rc
judge_cert_refuse_extension(const char *from, struct span oid, const char *how)
{
	static const uint8_t san[] = { 0x55, 0x1d, 0x11 };
	static const uint8_t aki[] = { 0x55, 0x1d, 0x23 };
	char text[DER_OID_TEXT];

	if (span_eq(oid, span_of(san, sizeof(san))))
		return rule_refuse(
		    RULE_CERT_NAMES, "%s: its subjectAltName %s", from, how);
	if (span_eq(oid, span_of(aki, sizeof(aki))))
		return rule_refuse(RULE_CERT_ISSUER,
		    "%s: its authorityKeyIdentifier %s", from, how);
	der_oid_text(oid, text);
	return rule_refuse(
	    RULE_CERT_PROFILE, "%s: its extension %s %s", from, text, how);
}

/* The first extension that is not as the profile has it. */
static enum rc
explain_extensions(const char *from, struct span wanted, struct span found)
{
	struct span want_oid, have_oid;
	struct der want, have;

	if (!der_take(&wanted, DER_SEQUENCE, &wanted) ||
	    !der_take(&found, DER_SEQUENCE, &found))
		return rule_refuse(
		    RULE_CERT_FORM, "%s: broken extensions", from);
	while (wanted.n != 0) {
		if (!next_extension(&wanted, &want, &want_oid))
			return err_set(RC_BUG, "%s: our own extensions", from);
		if (!next_extension(&found, &have, &have_oid))
			return judge_cert_refuse_extension(
			    from, want_oid, "is missing");
		if (span_eq(want.whole, have.whole))
			continue;
		if (!span_eq(want_oid, have_oid) &&
		    has_extension(found, want_oid))
			return judge_cert_refuse_extension(
			    from, have_oid, "is none that belongs there");
		if (!span_eq(want_oid, have_oid))
			return judge_cert_refuse_extension(
			    from, want_oid, "is missing");
		return judge_cert_refuse_extension(from, want_oid,
		    "is not as the profile and the request have it");
	}
	if (next_extension(&found, &have, &have_oid))
		return judge_cert_refuse_extension(
		    from, have_oid, "is none that belongs there");
	return rule_refuse(
	    RULE_CERT_FORM, "%s: bytes behind its extensions", from);
}

static enum rc
judge_cert_compare(struct judge *judge, const struct cert_parts *parts,
    const struct expected *e)
{
	enum tbs_field field = tbs_differs(&judge->tbs, parts->content);

	if (field == TBS_FIELDS)
		return RC_OK;
	if (field == TBS_EXTENSIONS)
		return explain_extensions(
		    e->from, buf_span(&judge->extensions), parts->extensions);
	return rule_refuse(differences[field].rule, "%s: %s", e->from,
	    differences[field].what);
}

/* ---- serial, dates, signature -------------------------------------------- */

/* RFC 5280 4.1.2.2 sets the upper limit; the lower one is what keeps a
 * collision of the hash from being prepared for a serial that can be foreseen.
 */
static enum rc
judge_cert_check_serial(struct span serial, const struct expected *e)
{
	if (serial.n < SERIAL_MIN)
		return rule_refuse(RULE_CERT_SERIAL,
		    "%s: a serial of %zu bytes has no 64 random bits", e->from,
		    serial.n);
	if (e->serial.n != 0 && !span_eq(e->serial, serial))
		return rule_refuse(RULE_CERT_SERIAL,
		    "%s: another serial than stated", e->from);
	return RC_OK;
}

/* RFC 5280 does not ask for nesting, but many verifiers do. */
static enum rc
judge_cert_check_dates(const struct trust_ca *ca, const struct expected *e)
{
	if (e->not_before > e->not_after)
		return rule_refuse(
		    RULE_CERT_DATES, "%s: ends before it begins", e->from);
	if (e->not_before < ca->not_before || e->not_after > ca->not_after)
		return rule_refuse(RULE_CERT_DATES,
		    "%s: valid before or after its CA is", e->from);
	return RC_OK;
}

static const char *
judge_cert_kin_text(const struct kin_one *kin)
{
	return kin->whose == KIN_ABOVE ? "a CA above this one"
				       : "the CA itself";
}

/* What the policy's side has refused before anything was signed; here it is
 * asked of the certificate. Called when the subject was built. */
static enum rc
check_kin(const struct judge *judge, const struct expected *e)
{
	const struct profile *profile =
	    policy_profile_get0(judge->policy, e->profile);
	const struct kin_one *kin;
	uint8_t key_id[SHA256_LEN];
	enum rc rc = sha256(e->spki, key_id);

	if (rc != RC_OK)
		return rc;
	kin = kin_of_key(&judge->trust->kin, key_id);
	if (kin != NULL)
		return rule_refuse(RULE_CERT_KEY,
		    "%s: its key is one that %s has or had", e->from,
		    judge_cert_kin_text(kin));
	if (profile == NULL || !profile->is_ca)
		return RC_OK;
	rc =
	    kin_of_subject(&judge->trust->kin, buf_span(&judge->subject), &kin);
	if (rc == RC_OK && kin != NULL)
		rc = rule_refuse(RULE_CERT_PROFILE,
		    "%s: its subject is one that %s has or had", e->from,
		    judge_cert_kin_text(kin));
	return rc;
}

/* By every certificate of the issuing key that is pinned: a peer may have any
 * of them. Called when the subject was built. */
static enum rc
check_constraints(
    const struct judge *judge, size_t issuer, const struct expected *e)
{
	const struct trust *trust = judge->trust;

	for (size_t i = 0; i < trust->n_cas; i++) {
		const struct trust_ca *ca = &trust->cas[i];
		const char *what;

		if (memcmp(ca->key_id, trust->cas[issuer].key_id, SHA256_LEN) !=
		    0)
			continue;
		for (size_t j = 0; j < e->n_names; j++) {
			const struct name *name = &e->names[j];

			what = constraints_fault(&ca->bound, name);
			if (what != NULL)
				return rule_refuse(RULE_CERT_CONSTRAINTS,
				    "%s: name %s:%.*s %s", e->from,
				    name_type_text(name->type),
				    SPAN_FMT(name->text), what);
		}
		what = constraints_subject_fault(&ca->bound,
		    buf_span(&judge->subject), e->names, e->n_names);
		if (what != NULL)
			return rule_refuse(RULE_CERT_CONSTRAINTS,
			    "%s: its subject: %s", e->from, what);
	}
	return RC_OK;
}

/* The outer AlgorithmIdentifier is compared as bytes first: the context
 * verifies with the one algorithm of the CA's key whatever the certificate
 * claims. */
static enum rc
judge_cert_check_signature(struct judge *judge, size_t ca,
    const struct cert_parts *parts, const struct expected *e)
{
	struct judge_ca *c = &judge->cas[ca];
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	bool good;
	enum rc rc;

	if (!span_eq(parts->algorithm, judge->trust->cas[ca].algorithm))
		return rule_refuse(RULE_CERT_SIGNATURE,
		    "%s: not signed with the algorithm of the CA's key",
		    e->from);
	if (EVP_DigestInit_ex2(judge->md, c->digest, NULL) != 1 ||
	    EVP_DigestUpdate(judge->md, parts->tbs.p, parts->tbs.n) != 1 ||
	    EVP_DigestFinal_ex(judge->md, hash, &n) != 1)
		return err_openssl(RC_BUG, "%s: hashing failed", e->from);
	rc = signature_of_hash(
	    e->from, c->verify, parts->signature, span_of(hash, n), &good);
	if (rc == RC_OK && !good)
		rc = rule_refuse(RULE_CERT_SIGNATURE,
		    "%s: its signature is not of the CA's key", e->from);
	return rc;
}

/* Its bytes are compared every time; the arithmetic is done once. */
static enum rc
check_signature_once(struct judge *judge, size_t ca,
    const struct cert_parts *parts, const uint8_t *digest,
    const struct expected *e)
{
	bool is_new;
	enum rc rc;

	if (!judge->remember)
		return judge_cert_check_signature(judge, ca, parts, e);
	if (digest_set_find(&judge->passed, digest, NULL))
		return RC_OK;
	rc = judge_cert_check_signature(judge, ca, parts, e);
	if (rc == RC_OK)
		rc = digest_set_add(&judge->passed, digest, 0, &is_new);
	return rc;
}

enum rc
judge_certificate_subject(struct judge *judge, struct span der,
    const uint8_t digest[static SHA256_LEN], const struct expected *e,
    struct span *ret_subject)
{
	struct cert_parts parts;
	size_t ca = 0;
	enum rc rc;

	/* The signature last: its arithmetic is most of the cost, and it is
	 * spent on nothing but bytes that are known to be right. */
	rc = find_ca(judge, e, &ca);
	if (rc == RC_OK)
		rc = cert_parts_read(e->from, der, &parts);
	if (rc == RC_OK)
		rc = judge_cert_check_serial(parts.serial, e);
	if (rc == RC_OK)
		rc = judge_cert_check_dates(&judge->trust->cas[ca], e);
	if (rc == RC_OK)
		rc = build(judge, ca, parts.serial, e);
	if (rc == RC_OK)
		rc = judge_cert_compare(judge, &parts, e);
	if (rc == RC_OK)
		rc = check_kin(judge, e);
	if (rc == RC_OK)
		rc = check_constraints(judge, ca, e);
	if (rc == RC_OK)
		rc = check_signature_once(judge, ca, &parts, digest, e);
	if (rc == RC_OK)
		*ret_subject = buf_span(&judge->subject);
	return rc;
}

enum rc
judge_certificate(
    struct judge *judge, struct span der, const struct expected *expected)
{
	uint8_t digest[SHA256_LEN];
	struct span subject;
	enum rc rc = sha256(der, digest);

	if (rc != RC_OK)
		return rc;
	return judge_certificate_subject(
	    judge, der, digest, expected, &subject);
}
