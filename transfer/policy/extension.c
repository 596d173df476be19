/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 5280 4.2 in one place for both sides: the signer builds with what comes
 * out, the judge compares bytes with it. So a mistake here would be made
 * twice and noticed by neither: the lint (ca/cert/lint) reads the finished TBS
 * and compares it with policy and request themselves. */
#include "transfer/policy/extension.h"

#include "base/own_ssl.h"
#include "transfer/policy/extension_line.h"
#include "transfer/rule.h"
#include "transfer/x509/constraints.h"
#include "transfer/x509/der.h"
#include "transfer/x509/name_san.h"
#include "transfer/x509/succession.h"
#include "transfer/x509/tbs.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

void
extension_plan_wipe(struct extension_plan *plan)
{
	buf_wipe(&plan->store);
	*plan = (struct extension_plan){ 0 };
}

void
extension_list_wipe(struct extension_list *list)
{
	buf_wipe(&list->store);
	*list = (struct extension_list){ 0 };
}

static enum rc
put_oid(struct buf *out, const ASN1_OBJECT *oid)
{
	return der_put(
	    out, DER_OID, span_of(OBJ_get0_data(oid), OBJ_length(oid)));
}

static enum rc
put_oid_text(struct buf *out, const char *text)
{
	OWN(ASN1_OBJECT) *oid = OBJ_txt2obj(text, 1);

	if (oid == NULL || OBJ_length(oid) == 0) {
		ERR_clear_error();
		return rule_refuse(RULE_POLICY, "\"%s\": not an OID", text);
	}
	return put_oid(out, oid);
}

/* ---- the plan ------------------------------------------------------------ */

static enum rc
add_part(struct extension_plan *plan, const ASN1_OBJECT *oid, bool critical,
    struct span value)
{
	struct extension_part part = { .critical = critical };
	enum rc rc;

	if (plan->n == EXTENSIONS_MAX - 3) /* SKI, AKI, SAN come besides */
		return rule_refuse(
		    RULE_POLICY, "more than %d extensions", EXTENSIONS_MAX - 3);
	part.oid = plan->store.n;
	rc = put_oid(&plan->store, oid);
	part.oid_n = plan->store.n - part.oid;
	part.value = plan->store.n;
	part.value_n = value.n;
	if (rc == RC_OK)
		rc = buf_add_span(&plan->store, value);
	if (rc == RC_OK)
		plan->parts[plan->n++] = part;
	return rc;
}

static enum rc
extension_add_basic_constraints(
    struct extension_plan *plan, const struct profile *profile)
{
	/* An end entity's is an empty SEQUENCE: DER leaves out the DEFAULT. */
	static const uint8_t yes[] = { DER_BOOLEAN, 1, 0xff };
	WIPED(buf) body = { 0 };
	WIPED(buf) value = { 0 };
	uint8_t limit = (uint8_t)profile->path_len;
	enum rc rc = RC_OK;

	if (profile->path_len > 0xff)
		return rule_refuse(RULE_POLICY, "path length %u is over 255",
		    (unsigned)profile->path_len);
	if (profile->is_ca) {
		rc = buf_add(&body, yes, sizeof(yes));
		if (rc == RC_OK)
			rc = der_put_unsigned(&body, span_of(&limit, 1));
	}
	if (rc == RC_OK)
		rc = der_put(&value, DER_SEQUENCE, buf_span(&body));
	if (rc != RC_OK)
		return rc;
	return add_part(
	    plan, OBJ_nid2obj(NID_basic_constraints), true, buf_span(&value));
}

static enum rc
add_one_usage(struct extension_plan *plan, uint32_t usage, unsigned keys)
{
	enum rc rc;

	/* OpenSSL's KU_ bits are those of the named bit list, first octet low.
	 */
	uint8_t bits[2] = { (uint8_t)usage, (uint8_t)(usage >> 8) };
	size_t n = bits[1] != 0 ? 2 : 1;
	uint8_t value[5] = { DER_BIT_STRING, (uint8_t)(n + 1) };
	uint8_t unused = 0;

	if (usage == 0)
		return RC_OK;
	while (((bits[n - 1] >> unused) & 1) == 0)
		unused++;
	value[2] = unused;
	memcpy(value + 3, bits, n);
	rc = add_part(
	    plan, OBJ_nid2obj(NID_key_usage), true, span_of(value, 3 + n));
	if (rc == RC_OK)
		plan->parts[plan->n - 1].keys = keys;
	return rc;
}

/* RFC 8813 section 3: keys of curves never encipher. RSA keys of servers do for
 * some: NSS refuses them without, in TLS 1.3 too, where nothing is enciphered.
 */
static enum rc
extension_add_key_usage(struct extension_plan *plan, uint32_t usage)
{
	uint32_t others = usage & ~(uint32_t)PROFILE_RSA_USAGES;
	enum rc rc;

	if (others == usage)
		return add_one_usage(plan, usage, PART_ALL);
	rc = add_one_usage(plan, usage, PART_RSA);
	return rc != RC_OK ? rc : add_one_usage(plan, others, PART_NOT_RSA);
}

static enum rc
extension_add_eku(struct extension_plan *plan, const struct text_list *eku)
{
	WIPED(buf) oids = { 0 };
	WIPED(buf) value = { 0 };
	enum rc rc = RC_OK;

	if (eku->n == 0)
		return RC_OK;
	for (size_t i = 0; i < eku->n && rc == RC_OK; i++)
		rc = put_oid_text(&oids, eku->items[i]);
	if (rc == RC_OK)
		rc = der_put(&value, DER_SEQUENCE, buf_span(&oids));
	if (rc != RC_OK)
		return rc;
	return add_part(
	    plan, OBJ_nid2obj(NID_ext_key_usage), false, buf_span(&value));
}

/* RFC 5280 4.2: a certificate has no extension twice. */
static bool
is_taken(const struct extension_plan *plan, const ASN1_OBJECT *oid)
{
	struct span wanted = span_of(OBJ_get0_data(oid), OBJ_length(oid));

	for (size_t i = 0; i < plan->n; i++) {
		const struct extension_part *p = &plan->parts[i];
		struct span oid_der = span_of(plan->store.p + p->oid, p->oid_n);
		struct span header;

		if (wanted.n < 0x80 && span_take(&oid_der, 2, &header) &&
		    span_eq(oid_der, wanted))
			return true;
	}
	return false;
}

/* A line of the policy, as OpenSSL understands it. */
static enum rc
add_policy_extension(struct extension_plan *plan,
    const struct extension_issuer *issuer, const struct policy_extension *line)
{
	OWN(X509_EXTENSION) *ext = NULL;
	WIPED(buf) marked = { 0 };
	struct span bytes;
	const ASN1_OCTET_STRING *value;
	const ASN1_OBJECT *oid;
	enum rc rc = extension_of_line(line, &ext);

	if (rc != RC_OK)
		return rc;
	oid = X509_EXTENSION_get_object(ext);
	if (is_taken(plan, oid))
		return rule_refuse(
		    RULE_POLICY, "extension.%s: stands twice", line->name);
	value = X509_EXTENSION_get_data(ext);
	bytes = span_of(
	    ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
	if (issuer->mark[0] != '\0' &&
	    OBJ_obj2nid(oid) == NID_crl_distribution_points) {
		rc = crl_points_mark(bytes, issuer->mark, &marked);
		bytes = buf_span(&marked);
	}
	return rc != RC_OK ? rc
			   : add_part(plan, oid,
				 X509_EXTENSION_get_critical(ext) == 1, bytes);
}

static enum rc
plan_fill(const struct profile *profile, const struct extension_issuer *issuer,
    struct extension_plan *plan)
{
	enum rc rc;

	rc = extension_add_basic_constraints(plan, profile);
	if (rc == RC_OK)
		rc = extension_add_key_usage(plan, profile->key_usage);
	if (rc == RC_OK)
		rc = extension_add_eku(plan, &profile->eku);
	plan->n_before = plan->n;
	for (size_t i = 0; i < profile->n_extensions && rc == RC_OK; i++)
		rc =
		    add_policy_extension(plan, issuer, &profile->extensions[i]);
	if (rc == RC_OK && profile->is_ca && profile->constraints.n == 0 &&
	    issuer->constraints.n != 0)
		rc = add_part(plan, OBJ_nid2obj(NID_name_constraints),
		    issuer->constraints_critical, issuer->constraints);
	return rc;
}

enum rc
extension_issuer_read(const char *from, struct span ca_cert, struct span ski,
    struct extension_issuer *ret)
{
	struct extension_issuer issuer = { .ski = ski };
	uint8_t key_id[SHA256_LEN];
	struct cert_parts parts = { 0 };
	bool later = false;
	enum rc rc = constraints_find(
	    from, ca_cert, &issuer.constraints, &issuer.constraints_critical);

	if (rc == RC_OK)
		rc = succession_find(from, ca_cert, &later);
	if (rc == RC_OK)
		rc = cert_parts_read(from, ca_cert, &parts);
	if (rc == RC_OK && later) {
		rc = sha256(parts.spki, key_id);
		if (rc == RC_OK)
			crl_mark_write(key_id, issuer.mark);
	}
	if (rc == RC_OK)
		*ret = issuer;
	return rc;
}

enum rc
extension_plan_make(const struct profile *profile,
    const struct extension_issuer *issuer, struct extension_plan *ret)
{
	const struct span ca_ski = issuer->ski;
	WIPED(extension_plan) plan = { 0 };
	enum rc rc;

	if (ca_ski.n == 0 || ca_ski.n > sizeof(plan.ca_ski))
		return err_set(RC_FORMAT,
		    "CA certificate: subjectKeyIdentifier of %zu bytes",
		    ca_ski.n);
	memcpy(plan.ca_ski, ca_ski.p, ca_ski.n);
	plan.ca_ski_n = ca_ski.n;
	rc = plan_fill(profile, issuer, &plan);
	if (rc != RC_OK)
		return err_in(rc, "profile %s", profile->name);
	*ret = plan;
	plan = (struct extension_plan){ 0 };
	return RC_OK;
}

/* ---- one certificate's --------------------------------------------------- */

/* DER of the three OIDs that every certificate has besides the plan's. */
static const uint8_t oid_ski[] = { DER_OID, 3, 0x55, 0x1d, 0x0e };
static const uint8_t oid_aki[] = { DER_OID, 3, 0x55, 0x1d, 0x23 };
static const uint8_t oid_san[] = { DER_OID, 3, 0x55, 0x1d, 0x11 };

enum rc
key_identifier_of(struct span spki, uint8_t ret_id[static KEY_IDENTIFIER_LEN])
{
	uint8_t digest[SHA256_LEN];
	struct span body, alg, bits;
	enum rc rc;

	if (!der_take(&spki, DER_SEQUENCE, &body) ||
	    !der_take(&body, DER_SEQUENCE, &alg) ||
	    !der_take_bits(&body, &bits))
		return err_set(RC_FORMAT, "not a SubjectPublicKeyInfo");
	rc = sha256(bits, digest);
	if (rc == RC_OK)
		memcpy(ret_id, digest, KEY_IDENTIFIER_LEN);
	return rc;
}

/* Store a value; its place is fixed up when the store no longer moves. */
struct extension_place {
	size_t at, n;
};

/* RFC 7093 method 1 and not SHA-1: no SHA-1 is computed anywhere in this
 * program. */
static enum rc
store_ski(struct buf *store, struct span spki, struct extension_place *ret)
{
	uint8_t id[KEY_IDENTIFIER_LEN];
	enum rc rc = key_identifier_of(spki, id);

	ret->at = store->n;
	if (rc == RC_OK)
		rc = der_put(store, DER_OCTET_STRING, span_of(id, sizeof(id)));
	ret->n = store->n - ret->at;
	return rc;
}

static enum rc
store_aki(struct buf *store, const struct extension_plan *plan,
    struct extension_place *ret)
{
	enum rc rc;

	/* SEQUENCE { [0] keyid }, both short: the keyid has at most 64. */
	ret->at = store->n;
	rc = der_put_header(store, DER_SEQUENCE, plan->ca_ski_n + 2);
	if (rc == RC_OK)
		rc =
		    der_put(store, 0x80, span_of(plan->ca_ski, plan->ca_ski_n));
	ret->n = store->n - ret->at;
	return rc;
}

static enum rc
store_san(struct buf *store, const struct name *names, size_t n,
    struct extension_place *ret)
{
	enum rc rc = RC_OK;

	ret->at = store->n;
	if (n != 0)
		rc = names_to_san_der(names, n, store);
	ret->n = store->n - ret->at;
	return rc;
}

static void
list_add(struct extension_list *list, struct span oid, bool critical,
    struct span value)
{
	assert(list->n < EXTENSIONS_MAX);
	list->items[list->n++] = (struct extension){ oid, critical, value };
}

static void
list_add_parts(struct extension_list *list, const struct extension_plan *plan,
    bool rsa, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const struct extension_part *p = &plan->parts[i];

		if (p->keys == (rsa ? PART_NOT_RSA : PART_RSA))
			continue;
		list_add(list, span_of(plan->store.p + p->oid, p->oid_n),
		    p->critical, span_of(plan->store.p + p->value, p->value_n));
	}
}

static bool
is_rsa(struct span spki)
{
	static const uint8_t rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1,
		1 };
	struct span body, alg, oid;

	return der_take(&spki, DER_SEQUENCE, &body) &&
	       der_take(&body, DER_SEQUENCE, &alg) &&
	       der_take(&alg, DER_OID, &oid) &&
	       span_eq(oid, span_of(rsa, sizeof(rsa)));
}

/* Spans into the store are made at the end: it moves while it grows. */
enum rc
extension_list_make(const struct extension_plan *plan, struct span spki,
    const struct name *names, size_t n_names, bool subject_empty,
    struct extension_list *ret)
{
	struct buf *store = &ret->store;
	struct extension_place ski, aki, san;
	bool rsa = is_rsa(spki);
	enum rc rc;

	ret->n = 0;
	buf_reset(store);
	rc = store_ski(store, spki, &ski);
	if (rc == RC_OK)
		rc = store_aki(store, plan, &aki);
	if (rc == RC_OK)
		rc = store_san(store, names, n_names, &san);
	if (rc != RC_OK)
		return rc;

	list_add_parts(ret, plan, rsa, 0, plan->n_before);
	list_add(ret, span_of(oid_ski, sizeof(oid_ski)), false,
	    span_of(store->p + ski.at, ski.n));
	list_add(ret, span_of(oid_aki, sizeof(oid_aki)), false,
	    span_of(store->p + aki.at, aki.n));
	if (san.n != 0)
		list_add(ret, span_of(oid_san, sizeof(oid_san)), subject_empty,
		    span_of(store->p + san.at, san.n));
	list_add_parts(ret, plan, rsa, plan->n_before, plan->n);
	return RC_OK;
}

static enum rc
extension_write_one(const struct extension *e, struct buf *body)
{
	static const uint8_t yes[] = { DER_BOOLEAN, 1, 0xff };
	enum rc rc = buf_add_span(body, e->oid);

	/* critical is DEFAULT FALSE: left out then (X.690 11.5) */
	if (rc == RC_OK && e->critical)
		rc = buf_add(body, yes, sizeof(yes));
	if (rc == RC_OK)
		rc = der_put(body, DER_OCTET_STRING, e->value);
	return rc;
}

enum rc
extension_list_write(const struct extension_list *list, struct buf *out)
{
	WIPED(buf) all = { 0 };
	WIPED(buf) one = { 0 };
	enum rc rc = RC_OK;

	for (size_t i = 0; i < list->n && rc == RC_OK; i++) {
		buf_reset(&one);
		rc = extension_write_one(&list->items[i], &one);
		if (rc == RC_OK)
			rc = der_put(&all, DER_SEQUENCE, buf_span(&one));
	}
	if (rc != RC_OK)
		return rc;
	return der_put(out, DER_SEQUENCE, buf_span(&all));
}

enum rc
extension_to_x509(const struct extension *extension, X509_EXTENSION **ret)
{
	OWN(ASN1_OBJECT) *oid = NULL;
	OWN(ASN1_OCTET_STRING) *value = ASN1_OCTET_STRING_new();
	OWN(X509_EXTENSION) *ext = NULL;
	const uint8_t *p = extension->oid.p;

	oid = d2i_ASN1_OBJECT(NULL, &p, (long)extension->oid.n);
	if (oid == NULL || value == NULL ||
	    ASN1_OCTET_STRING_set(
		value, extension->value.p, (int)extension->value.n) != 1)
		return err_openssl(RC_BUG, "extension cannot be built");
	ext = X509_EXTENSION_create_by_OBJ(
	    NULL, oid, extension->critical ? 1 : 0, value);
	if (ext == NULL)
		return err_openssl(RC_BUG, "extension cannot be built");
	*ret = MOVE(ext);
	return RC_OK;
}
