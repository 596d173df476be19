/* SPDX-License-Identifier: Apache-2.0 */
/* A value of the policy is OpenSSL's to read, and was; here only the end of
 * each of its URIs is wanted. */
#include "transfer/online/deploy/crl_names.h"

#include "base/hex.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define KEY_PART 8 /* bytes of the key-id in a name */

static bool
is_points(const char *name)
{
	return strcmp(name, "crlDistributionPoints") == 0 ||
	       strcmp(name, "2.5.29.31") == 0;
}

/* What nobody mistakes for a path, an option or one of our temporary files. */
static bool
is_plain(struct span name)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	for (size_t i = 0; i < name.n; i++)
		if (memchr(plain, name.p[i], sizeof(plain) - 1) == NULL)
			return false;
	return name.n > 0 && name.n <= FILE_NAME_MAX && name.p[0] != '.' &&
	       name.p[0] != '-';
}

static bool
crl_names_has(const struct text_list *list, struct span name)
{
	for (size_t i = 0; i < list->n; i++)
		if (span_eq_str(name, list->items[i]))
			return true;
	return false;
}

/* The end of one URI; one that ends in no name of a file has none. */
static enum rc
add_end(const char *uri, size_t n, struct text_list *ret)
{
	const struct span whole = span_of(uri, n);
	struct span end;
	size_t at = n;

	while (at > 0 && uri[at - 1] != '/')
		at--;
	end = span_of(whole.p + at, n - at);
	if (strncasecmp(uri, "http://", 7) != 0 || at <= 7 || !is_plain(end) ||
	    crl_names_has(ret, end))
		return RC_OK;
	return text_list_add(ret, end);
}

static enum rc
add_ends(const char *value, struct text_list *ret)
{
	static const char uri[] = "URI:";
	enum rc rc = RC_OK;

	while ((value = strstr(value, uri)) != NULL && rc == RC_OK) {
		size_t n;

		value += strlen(uri);
		n = strcspn(value, ", \t");
		rc = add_end(value, n, ret);
	}
	return rc;
}

static enum rc
add_points(const struct policy *policy, struct text_list *ret)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < policy->n_profiles; i++) {
		const struct profile *p = &policy->profiles[i];

		for (size_t j = 0; j < p->n_extensions && rc == RC_OK; j++)
			if (is_points(p->extensions[j].name))
				rc = add_ends(p->extensions[j].value, ret);
	}
	return rc;
}

static enum rc
add_by_key(const uint8_t *issuer, struct text_list *ret)
{
	char hex[2 * KEY_PART + 1], name[sizeof(hex) + 8];

	hex_write(span_of(issuer, KEY_PART), hex);
	(void)snprintf(name, sizeof(name), "ca-%s.crl", hex);
	return text_list_add(ret, span_str(name));
}

enum rc
crl_names_list(
    const struct store *store, const struct crl_due *crl, struct text_list *ret)
{
	const struct trust *trust = &store->trust;
	WIPED(text_list) names = { 0 };
	enum rc rc;

	if (memcmp(crl->issuer, trust->cas[trust->n_cas - 1].key_id,
		SHA256_LEN) != 0)
		return add_by_key(crl->issuer, ret);
	rc = add_points(&store->policy, &names);
	if (rc == RC_OK && names.n == 0)
		rc = text_list_add(&names, span_str("ca.crl"));
	if (rc == RC_OK && (crl_names_has(&names, span_str("ca.crt")) ||
			       crl_names_has(&names, span_str("ca.pem"))))
		rc = err_set(RC_STATE,
		    "policy: a distribution point of CRLs is named as a file of the CA's certificates");
	if (rc != RC_OK)
		return rc;
	*ret = names;
	names = (struct text_list){ 0 };
	return RC_OK;
}
