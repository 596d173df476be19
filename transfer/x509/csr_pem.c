/* SPDX-License-Identifier: Apache-2.0 */
/** csr_from_file: one request to a file, DER or PEM (RFC 7468). */
#include "base/base64.h"
#include "transfer/rule.h"
#include "transfer/x509/csr.h"
#include "transfer/x509/der.h"
#include "transfer/x509/private_key.h"
#include "transfer/x509/text_plain.h"

static const char *const labels[] = {
	"CERTIFICATE REQUEST",
	"NEW CERTIFICATE REQUEST", /* RFC 7468 section 7: older software */
};

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
skip_space(struct span *text)
{
	struct span c;

	while (text->n != 0 && is_space(text->p[0]))
		(void)span_take(text, 1, &c);
}

/* Pass over the lines before the first BEGIN: certtool and `openssl req -text`
 * put the request in words there (RFC 7468 section 5.2). Nobody reads them. */
static void
skip_explanation(struct span *text)
{
	static const char begin[] = "-----BEGIN ";

	skip_space(text);
	while (text->n >= sizeof(begin) - 1 &&
	       memcmp(text->p, begin, sizeof(begin) - 1) != 0)
		(void)span_take_line(text);
}

/* Take "-----BEGIN label-----" and the white space behind it. */
static bool
csr_pem_take_line(struct span *text, const char *mark, const char *label)
{
	struct span rest = *text, part;
	const char *const parts[] = { "-----", mark, label, "-----" };

	for (size_t i = 0; i < 4; i++)
		if (!span_take(&rest, strlen(parts[i]), &part) ||
		    !span_eq_str(part, parts[i]))
			return false;
	skip_space(&rest);
	*text = rest;
	return true;
}

/* Base64 up to the next '-', white space passed over. */
static enum rc
take_base64(const char *from, struct span *text, struct buf *out)
{
	WIPED(buf) digits = { 0 };
	struct span c;
	enum rc rc = buf_reserve(&digits, text->n);

	while (rc == RC_OK && text->n != 0 && text->p[0] != '-') {
		(void)span_take(text, 1, &c);
		if (!is_space(c.p[0]))
			rc = buf_add_span(&digits, c);
	}
	if (rc == RC_OK)
		rc = base64_read(buf_span(&digits), out);
	return rc == RC_FORMAT ? rule_refuse(RULE_CSR_FORM,
				     "%s: the PEM block is not Base64", from)
			       : rc;
}

static enum rc
read_pem(const char *from, struct span file, struct buf *der)
{
	struct span text = file;
	const char *label = NULL;
	enum rc rc;

	skip_explanation(&text);
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		if (label == NULL &&
		    csr_pem_take_line(&text, "BEGIN ", labels[i]))
			label = labels[i];
	if (label == NULL)
		return rule_refuse(RULE_CSR_FORM,
		    "%s: neither DER nor a PEM block CERTIFICATE REQUEST",
		    from);
	rc = take_base64(from, &text, der);
	if (rc != RC_OK)
		return rc;
	if (!csr_pem_take_line(&text, "END ", label))
		return rule_refuse(RULE_CSR_FORM,
		    "%s: the PEM block has no END %s", from, label);
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		if (csr_pem_take_line(&text, "BEGIN ", labels[i]))
			return rule_refuse(RULE_CSR_FORM,
			    "%s: a second request; wanted one to a file", from);
	if (text.n != 0)
		return rule_refuse(RULE_CSR_FORM,
		    "%s: %zu bytes behind the PEM block", from, text.n);
	return RC_OK;
}

/* All of a file that may be a digit of Base64. */
static enum rc
keep_digits(struct span file, struct buf *out)
{
	enum rc rc = buf_reserve(out, file.n + 1);

	for (size_t i = 0; i < file.n && rc == RC_OK; i++)
		if (base64_is_digit(file.p[i]))
			out->p[out->n++] = file.p[i];
	return rc;
}

static bool
has_bytes(struct span outer, struct span inner)
{
	return inner.n != 0 && outer.n >= inner.n &&
	       memmem(outer.p, outer.n, inner.p, inner.n) != NULL;
}

/* Base64 has one spelling of these bytes (base64_read), so it is made again. */
enum rc
csr_is_of_file(struct span file, struct span der, bool *ret)
{
	WIPED(buf) digits = { 0 };
	WIPED(buf) spelled = { 0 };
	enum rc rc = RC_OK;

	*ret = has_bytes(file, der);
	if (*ret)
		return RC_OK;
	rc = keep_digits(file, &digits);
	if (rc == RC_OK)
		rc = base64_write(der, &spelled);
	if (rc == RC_OK)
		*ret = has_bytes(buf_span(&digits), buf_span(&spelled));
	return rc;
}

enum rc
csr_from_file(const char *from, struct span file, struct buf *ret_der)
{
	WIPED(buf) room = { 0 };
	WIPED(buf) der = { 0 };
	struct span rest;
	struct der request;
	enum rc rc = private_key_check(from, file);

	if (rc == RC_OK)
		rc = text_plain(file, &room, &file);
	if (rc != RC_OK)
		return rc;
	if (file.n != 0 && file.p[0] == DER_SEQUENCE)
		rc = buf_add_span(&der, file);
	else
		rc = read_pem(from, file, &der);
	if (rc != RC_OK)
		return rc;
	rest = buf_span(&der);
	if (!der_take_whole(&rest, DER_SEQUENCE, &request))
		return rule_refuse(RULE_CSR_FORM,
		    "%s: not a PKCS#10 request (RFC 2986)", from);
	if (rest.n != 0 && rest.p[0] == DER_SEQUENCE)
		return rule_refuse(RULE_CSR_FORM,
		    "%s: a second request; wanted one to a file", from);
	if (rest.n != 0)
		return rule_refuse(RULE_CSR_FORM,
		    "%s: %zu bytes behind the request", from, rest.n);
	/* What goes on from here as a CSR is one that a bundle may have. */
	if (der.n < CSR_MIN || der.n > CSR_MAX)
		return rule_refuse(RULE_CSR_FORM,
		    "%s: a request of %zu bytes; wanted %d to %d", from, der.n,
		    CSR_MIN, CSR_MAX);
	return buf_add_span(ret_der, buf_span(&der));
}
