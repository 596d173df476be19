/* SPDX-License-Identifier: Apache-2.0 */
/* What one certificate has of its own, put into a profile's template. How a
 * template gets around OpenSSL is in template.c; whether the result is right,
 * lint.c says without looking here. */
#include "ca/cert/tbs.h"

#include "base/own_ssl.h"
#include "ca/cert/lint.h"
#include "ca/cert/template.h"
#include "transfer/policy/extension.h"
#include "transfer/policy/subject.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/issuer_id.h"

#include <stdlib.h>

struct tbs_maker {
	X509 *template;
	const struct profile *profile; /* borrowed */
	struct sign_alg alg;
	struct extension_plan plan;
	struct extension_list list; /* of the last one made; its room is kept */
	struct buf issuer;	    /* the CA's subject, DER */
	struct buf ca_cert;	    /* DER, where `bound` lies */
	struct extension_issuer says; /* but for its SKI, in there too */
	struct constraints bound;
	struct buf ca_spki;
	int64_t ca_not_before, ca_not_after;
};

void
tbs_maker_free(struct tbs_maker *maker)
{
	if (maker == NULL)
		return;
	X509_free(maker->template);
	extension_plan_wipe(&maker->plan);
	extension_list_wipe(&maker->list);
	buf_wipe(&maker->issuer);
	buf_wipe(&maker->ca_cert);
	buf_wipe(&maker->ca_spki);
	free(maker);
}

/* What the CA certificate says about those that it issues. */
static enum rc
read_issuer(struct tbs_maker *maker, struct span der, X509 *ca)
{
	WIPED(buf) issuer_id = { 0 };
	struct extension_issuer *issuer = &maker->says;
	enum rc rc = issuer_id_of_cert("CA certificate", der, &issuer_id);

	if (rc == RC_OK)
		rc = extension_issuer_read(
		    "CA certificate", der, buf_span(&issuer_id), issuer);
	if (rc == RC_OK)
		rc = extension_plan_make(maker->profile, issuer, &maker->plan);
	issuer->ski = SPAN_NONE; /* the plan has its own */
	if (rc == RC_OK)
		rc = subject_write(X509_get_subject_name(ca), &maker->issuer);
	if (rc == RC_OK)
		rc = cert_window(
		    ca, &maker->ca_not_before, &maker->ca_not_after);
	if (rc == RC_OK)
		rc = cert_spki(ca, &maker->ca_spki);
	if (rc == RC_OK)
		rc = sign_alg_of(buf_span(&maker->ca_spki), &maker->alg);
	return rc;
}

enum rc
tbs_maker_new(
    struct span ca_cert, const struct profile *profile, struct tbs_maker **ret)
{
	OWNS(tbs_maker) *maker = calloc(1, sizeof(*maker));
	OWN(X509) *ca = NULL;
	enum rc rc;

	if (maker == NULL)
		return err_memory();
	maker->profile = profile;
	rc = cert_parse("CA certificate", ca_cert, &ca);
	if (rc == RC_OK)
		rc = buf_add_span(&maker->ca_cert, ca_cert);
	if (rc == RC_OK)
		rc = read_issuer(maker, buf_span(&maker->ca_cert), ca);
	if (rc == RC_OK)
		rc = constraints_read(
		    "CA certificate", buf_span(&maker->ca_cert), &maker->bound);
	if (rc == RC_OK)
		rc = template_new(&maker->alg, &maker->template);
	if (rc != RC_OK)
		return rc;
	if (X509_set_issuer_name(maker->template, X509_get_subject_name(ca)) !=
	    1)
		return err_openssl(RC_IO, "issuer of a certificate");
	*ret = MOVE(maker);
	return RC_OK;
}

static enum rc
set_subject(struct tbs_maker *maker, const struct leaf *leaf, bool *ret_empty)
{
	OWN(X509_NAME) *subject = NULL;
	enum rc rc;

	rc = subject_of(maker->profile, leaf->csr_subject, leaf->names,
	    leaf->n_names, &subject);
	if (rc != RC_OK)
		return rc;
	if (X509_set_subject_name(maker->template, subject) != 1)
		return err_openssl(RC_IO, "subject of a certificate");
	*ret_empty = X509_NAME_entry_count(subject) == 0;
	return RC_OK;
}

static enum rc
tbs_fill(struct tbs_maker *maker, const struct leaf *leaf)
{
	bool subject_empty = false;
	enum rc rc;

	rc = template_set_serial(
	    maker->template, span_of(leaf->serial, CA_SERIAL_LEN));
	if (rc == RC_OK)
		rc = template_set_dates(
		    maker->template, leaf->not_before, leaf->not_after);
	if (rc == RC_OK)
		rc = set_subject(maker, leaf, &subject_empty);
	if (rc == RC_OK)
		rc = template_set_key(maker->template, leaf->spki);
	if (rc == RC_OK)
		rc = extension_list_make(&maker->plan, leaf->spki, leaf->names,
		    leaf->n_names, subject_empty, &maker->list);
	if (rc == RC_OK)
		rc = template_set_extensions(maker->template, &maker->list);
	return rc;
}

enum rc
tbs_make(struct tbs_maker *maker, const struct leaf *leaf, struct buf *ret_tbs)
{
	/* What was granted, not what the template says: the lint compares. */
	const struct lint lint = {
		.kind = LINT_LEAF,
		.alg = &maker->alg,
		.issuer = buf_span(&maker->issuer),
		.issuer_ski = span_of(maker->plan.ca_ski, maker->plan.ca_ski_n),
		.issuer_spki = buf_span(&maker->ca_spki),
		.issuer_not_before = maker->ca_not_before,
		.issuer_not_after = maker->ca_not_after,
		.issuer_bound = maker->bound,
		.issuer_constraints = maker->says.constraints,
		.issuer_constraints_critical = maker->says.constraints_critical,
		.issuer_mark = maker->says.mark,
		.serial = span_of(leaf->serial, CA_SERIAL_LEN),
		.spki = leaf->spki,
		.not_before = leaf->not_before,
		.not_after = leaf->not_after,
		.profile = maker->profile,
		.names = leaf->names,
		.n_names = leaf->n_names,
		.csr_subject = leaf->csr_subject,
	};
	enum rc rc = tbs_fill(maker, leaf);

	buf_reset(ret_tbs);
	if (rc == RC_OK)
		rc = template_tbs(maker->template, ret_tbs);
	if (rc == RC_OK)
		rc = lint_tbs(&lint, buf_span(ret_tbs));
	if (rc != RC_OK)
		buf_reset(ret_tbs);
	return rc;
}
