/* SPDX-License-Identifier: Apache-2.0 */
/* From what was typed to serials or keys. A file is only taken apart here, by a
 * DER walk: which certificate it is, the ledger's own bytes say. */
#include "ca/cmd/revoke_find.h"

#include "base/file.h"
#include "base/list.h"
#include "ca/lifecycle/past.h"
#include "transfer/rule.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/cert_text.h"
#include "transfer/x509/name_typed.h"
#include "transfer/x509/tbs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PEM_FILE_MAX ((size_t)(4 * CERT_MAX))

void
revoke_found_wipe(struct revoke_found *found)
{
	for (size_t i = 0; i < found->n; i++)
		buf_wipe(&found->ids[i]);
	free(found->ids);
	free(found->items);
	*found = (struct revoke_found){ 0 };
}

struct finder {
	struct ledger *ledger;
	struct revoke_found *found;
	bool by_key;
	int64_t now;
	struct name_list names; /* any of which is meant */
	size_t n_ended;		/* certificates of that name that are over */
};

static void
finder_wipe(struct finder *f)
{
	name_list_wipe(&f->names);
}

static bool
is_found(const struct revoke_found *found, struct span id)
{
	for (size_t i = 0; i < found->n; i++)
		if (span_eq(buf_span(&found->ids[i]), id))
			return true;
	return false;
}

/* A serial, or a key: once, however many certificates lead to it. */
static enum rc
found_add(struct finder *f, struct span id, bool is_key)
{
	struct revoke_found *found = f->found;
	WIPED(buf) copy = { 0 };
	enum rc rc;

	if (is_found(found, id))
		return RC_OK;
	rc = buf_add_span(&copy, id);
	if (rc == RC_OK)
		rc = LIST_GROW(found->items, found->n);
	if (rc == RC_OK)
		rc = LIST_GROW(found->ids, found->n);
	if (rc != RC_OK)
		return rc;
	found->ids[found->n] = copy;
	copy = (struct buf){ 0 };
	id = buf_span(&found->ids[found->n]);
	found->items[found->n] = (struct revocation){ .serial = id };
	if (is_key)
		found->items[found->n] = (struct revocation){ .key_id = id };
	found->n++;
	return RC_OK;
}

static enum rc
found_cert(struct finder *f, struct span serial, const struct ledger_cert *cert)
{
	/* Nobody looks for the keys of before an adoption. */
	const bool is_key = f->by_key && !cert->own && !cert->adopted;

	return found_add(f,
	    is_key ? span_of(cert->intent.key_id, SHA256_LEN) : serial, is_key);
}

/* ---- by serial or key -----------------------------------------------------
 */

static enum rc
find_hex(struct finder *f, const char *typed, bool *ret_done)
{
	WIPED(ledger_cert) cert = { 0 };
	uint8_t id[SHA256_LEN];
	struct span serial;
	size_t n = 0;
	bool known = false;
	enum rc rc;

	*ret_done = false;
	if (!hex_read_some(typed, id, sizeof(id), &n))
		return RC_OK;
	if (n > SERIAL_MAX) {
		*ret_done = f->by_key && n == SHA256_LEN;
		return *ret_done ? found_add(f, span_of(id, n), true) : RC_OK;
	}
	serial = span_of(id, n);
	while (serial.n > 1 && serial.p[0] == 0)
		serial = span_of(serial.p + 1, serial.n - 1);
	rc = ledger_cert_get(f->ledger, serial, &cert, &known);
	if (rc != RC_OK || !known)
		return rc;
	*ret_done = true;
	return found_cert(f, serial, &cert);
}

/* ---- by file --------------------------------------------------------------
 */

/* PEM with one certificate, or DER; what openssl ca writes has text in front.
 */
static enum rc
read_cert(const char *path, struct buf *ret_der)
{
	WIPED(buf) file = { 0 };
	enum rc rc = file_read(AT_FDCWD, path, PEM_FILE_MAX, &file);

	return rc != RC_OK ? rc
			   : past_cert_take(path, buf_span(&file), ret_der);
}

static enum rc
find_cert_file(struct finder *f, const char *path)
{
	WIPED(buf) der = { 0 };
	WIPED(ledger_cert) cert = { 0 };
	struct cert_parts parts;
	bool known = false;
	enum rc rc = read_cert(path, &der);

	if (rc == RC_OK)
		rc = cert_parts_read(path, buf_span(&der), &parts);
	if (rc == RC_OK)
		rc = ledger_cert_get(f->ledger, parts.serial, &cert, &known);
	if (rc != RC_OK)
		return rc;
	if (!known || !span_eq(buf_span(&cert.der), buf_span(&der)))
		return rule_refuse(RULE_REVOKE_UNKNOWN,
		    "%s: not a certificate that this CA has issued", path);
	return found_cert(f, parts.serial, &cert);
}

/* ---- by name --------------------------------------------------------------
 */

/* With its type, or as any type that takes it. */
static enum rc
read_names(struct finder *f, const char *typed)
{
	enum rc rc = name_typed_add(&f->names, "NAME", typed);

	for (unsigned type = 0; type < NAME_TYPES && rc == RC_USAGE; type++) {
		WIPED(buf) as = { 0 };
		const char *text;

		if (buf_printf(&as, "%s:%s",
			name_type_text((enum name_type)type), typed) != RC_OK)
			return RC_IO;
		text = buf_cstr(&as);
		if (text == NULL)
			return err_memory();
		if (name_typed_add(&f->names, "NAME", text) == RC_IO)
			return RC_IO;
	}
	err_clear();
	return RC_OK;
}

static bool
cert_is_called(const struct finder *f, const struct cert_text *text)
{
	for (size_t i = 0; i < text->names.n; i++)
		for (size_t k = 0; k < f->names.n; k++)
			if (name_compare(
				&text->names.items[i], &f->names.items[k]) == 0)
				return true;
	return false;
}

static enum rc
find_name_one(const struct ledger_cert *cert, void *arg)
{
	struct finder *f = arg;
	WIPED(cert_text) text = { 0 };
	struct cert_parts parts;
	enum rc rc;

	if (cert->der.n == 0)
		return RC_OK;
	rc = cert_text_read(buf_span(&cert->der), &text);
	if (rc != RC_OK || !cert_is_called(f, &text))
		return rc;
	if (text.not_after < f->now) {
		f->n_ended++;
		return RC_OK;
	}
	rc = cert_parts_read("ledger", buf_span(&cert->der), &parts);
	return rc != RC_OK ? rc : found_cert(f, parts.serial, cert);
}

static enum rc
find_name(struct finder *f, const char *typed)
{
	enum rc rc = read_names(f, typed);

	f->found->by_name = true;
	if (rc == RC_OK && f->names.n != 0)
		rc = ledger_certs_each(f->ledger, find_name_one, f);
	if (rc != RC_OK || f->found->n != 0)
		return rc;
	if (f->n_ended != 0)
		return rule_refuse(RULE_REVOKE_UNKNOWN,
		    "%s: all %zu certificates with this name have ended; by its serial one can be revoked all the same",
		    typed, f->n_ended);
	return rule_refuse(RULE_REVOKE_UNKNOWN,
	    "%s: neither a serial nor a name of a certificate that this CA has issued, nor a file",
	    typed);
}

enum rc
revoke_find(struct ledger *ledger, const char *typed, bool by_key, int64_t now,
    struct revoke_found *ret)
{
	WIPED(revoke_found) found = { 0 };
	WIPED(finder)
	f = { .ledger = ledger, .found = &found, .by_key = by_key, .now = now };
	struct stat st;
	bool done = false;
	enum rc rc = find_hex(&f, typed, &done);

	if (rc == RC_OK && !done)
		rc = stat(typed, &st) == 0 ? find_cert_file(&f, typed)
					   : find_name(&f, typed);
	if (rc != RC_OK)
		return rc;
	*ret = found;
	found = (struct revoke_found){ 0 };
	return RC_OK;
}
