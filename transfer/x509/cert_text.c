/* SPDX-License-Identifier: Apache-2.0 */
/* Dates, subject and names of certificates of our own, field by field. Nothing
 * is verified here: whoever must not be lied to asks the judge. */
#include "transfer/x509/cert_text.h"

#include "base/hex.h"
#include "base/own_ssl.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/der.h"
#include "transfer/x509/tbs.h"

#include <time.h>

void
cert_text_wipe(struct cert_text *text)
{
	buf_wipe(&text->serial);
	buf_wipe(&text->subject);
	name_list_wipe(&text->names);
}

/* From the DER, field by field: X509 objects cost 94 us each with OpenSSL 3.0,
 * and `list` walks the whole ledger. */
static enum rc
time_read(struct span *in, int64_t *ret)
{
	OWN(ASN1_TIME) *t = NULL;
	struct der item;
	struct tm tm = { 0 };
	const uint8_t *p;

	if (!der_next(in, &item))
		return err_set(RC_FORMAT, "a certificate without its dates");
	p = item.whole.p;
	t = d2i_ASN1_TIME(NULL, &p, (long)item.whole.n);
	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return err_openssl(RC_FORMAT, "a certificate's date");
	*ret = timegm(&tm);
	return RC_OK;
}

/* Validity is the fifth field; cert_parts_read has seen to the form. */
static enum rc
dates_read(const struct cert_parts *parts, struct cert_text *text)
{
	struct span rest = parts->content, validity = SPAN_NONE;
	struct der skipped;
	enum rc rc;

	for (int i = 0; i < 4; i++)
		if (!der_next(&rest, &skipped))
			return err_set(RC_FORMAT, "a certificate cut short");
	if (!der_take(&rest, DER_SEQUENCE, &validity))
		return err_set(RC_FORMAT, "a certificate without its dates");
	rc = time_read(&validity, &text->not_before);
	return rc != RC_OK ? rc : time_read(&validity, &text->not_after);
}

static enum rc
cert_text_subject_read(const struct cert_parts *parts, struct cert_text *text)
{
	const uint8_t *p = parts->subject.p;
	OWN(X509_NAME) *name = d2i_X509_NAME(NULL, &p, (long)parts->subject.n);
	OWN(BIO) *bio = BIO_new(BIO_s_mem());
	char *line = NULL;
	long n;

	if (name == NULL || bio == NULL ||
	    X509_NAME_print_ex(
		bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
		return err_openssl(RC_FORMAT, "a certificate's subject");
	n = BIO_get_mem_data(bio, &line);
	return n <= 0 ? RC_OK : buf_add(&text->subject, line, (size_t)n);
}

static enum rc
names_read(const struct cert_parts *parts, struct cert_text *text)
{
	const uint8_t *p = parts->extensions.p;
	STACK_OF(X509_EXTENSION) *list =
	    d2i_X509_EXTENSIONS(NULL, &p, (long)parts->extensions.n);
	OWN(GENERAL_NAMES) *san = NULL;

	if (list == NULL)
		return err_openssl(RC_FORMAT, "a certificate's extensions");
	san = X509V3_get_d2i(list, NID_subject_alt_name, NULL, NULL);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	/* A CA's own certificate has none. */
	return san == NULL ? RC_OK
			   : names_of_san("certificate", san, &text->names);
}

enum rc
cert_text_read(struct span der, struct cert_text *ret)
{
	WIPED(cert_text) text = { 0 };
	struct cert_parts parts = { 0 };
	char hex[2 * SERIAL_MAX + 1];
	enum rc rc = cert_parts_read("certificate", der, &parts);

	if (rc != RC_OK)
		return rc;
	hex_write(parts.serial, hex);
	rc = buf_add_str(&text.serial, hex);
	if (rc == RC_OK)
		rc = dates_read(&parts, &text);
	if (rc == RC_OK)
		rc = cert_text_subject_read(&parts, &text);
	if (rc == RC_OK)
		rc = names_read(&parts, &text);
	if (rc != RC_OK)
		return rc;
	*ret = text;
	text = (struct cert_text){ 0 };
	return RC_OK;
}

enum rc
cert_names_write(const struct name_list *names, struct buf *out)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < names->n; i++) {
		if (i > 0)
			rc = buf_add_str(out, ", ");
		if (rc == RC_OK)
			rc = name_write(out, &names->items[i]);
	}
	return rc;
}
