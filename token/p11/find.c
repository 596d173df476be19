/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens by URI. All modules are loaded to look, but only the one of the
 * token picked stays: another maker's code has no business in the process
 * that will hold the PIN. */
#include "token/p11/find.h"

#include "base/term.h"
#include "token/p11/session.h"

#include <stdio.h>
#include <sys/stat.h>

void
rack_wipe(struct rack *rack)
{
	for (size_t i = 0; i < rack->n; i++)
		module_wipe(&rack->module[i]);
	rack->n = 0;
}

/* One module loaded by two names would be finalised under its own feet. */
static bool
is_same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	return strcmp(a, b) == 0 ||
	       (stat(a, &sa) == 0 && stat(b, &sb) == 0 &&
		   sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino);
}

static enum rc
rack_get0(struct rack *rack, const char *path, struct module **ret)
{
	enum rc rc;

	for (size_t i = 0; i < rack->n; i++)
		if (is_same_file(rack->module[i].path, path)) {
			*ret = &rack->module[i];
			return RC_OK;
		}
	if (rack->n == MODULE_PATHS)
		return err_set(RC_TOKEN, "%s: too many modules", path);
	rc = module_load(path, &rack->module[rack->n]);
	if (rc == RC_OK)
		*ret = &rack->module[rack->n++];
	return rc;
}

/* Two modules for one card show the same reader. Software tokens have readers
 * of one name too, so only what can be taken out counts. */
static bool
is_same_device(const struct found *f, const struct found *g)
{
	return g->module != f->module &&
	       (g->slot_info.flags & CKF_REMOVABLE_DEVICE) != 0 &&
	       (f->slot_info.flags & CKF_REMOVABLE_DEVICE) != 0 &&
	       memcmp(g->slot_info.slotDescription,
		   f->slot_info.slotDescription,
		   sizeof(f->slot_info.slotDescription)) == 0;
}

/* Slots first by libp11, then the module's own word on each. */
static enum rc
add_module(struct rack *rack, const char *path, struct found_list *list)
{
	CK_SLOT_ID slots[MODULE_SLOTS];
	struct module *m = NULL;
	size_t n = 0;
	enum rc rc = rack_get0(rack, path, &m);

	if (rc == RC_OK)
		rc = module_slots(m, slots, &n);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		struct found f = { .module = m, .slot = slots[i] };

		/* A reader may lose its card at any time. */
		if (m->f->C_GetSlotInfo(f.slot, &f.slot_info) != CKR_OK ||
		    m->f->C_GetTokenInfo(f.slot, &f.info) != CKR_OK)
			continue;
		for (size_t j = 0; j < list->n && !f.again; j++)
			f.again = is_same_device(&list->at[j], &f);
		if (list->n < FOUND_MAX)
			list->at[list->n++] = f;
	}
	return rc;
}

enum rc
found_read(struct rack *rack, const char *path, struct found_list *ret)
{
	struct module_paths paths;
	enum rc rc = RC_OK;

	ret->n = 0;
	if (path != NULL)
		return add_module(rack, path, ret);
	module_paths_find(&paths);
	for (size_t i = 0; i < paths.n && rc == RC_OK; i++) {
		rc = add_module(rack, paths.path[i], ret);
		/* A module that was not asked for may fail. */
		if (rc == RC_TOKEN) {
			err_clear();
			rc = RC_OK;
		}
	}
	module_paths_wipe(&paths);
	return rc;
}

bool
found_is_meant(const struct found *f, const struct uri *uri)
{
	return (f->info.flags & CKF_TOKEN_INITIALIZED) != 0 &&
	       uri_match_token(uri, f->slot, &f->slot_info, &f->info);
}

enum rc
found_name(const struct found *f, struct buf *out)
{
	return buf_printf(out, "\"%.*s\" (serial %.*s)",
	    SPAN_FMT(p11_padded(f->info.label, sizeof(f->info.label))),
	    SPAN_FMT(p11_padded(
		f->info.serialNumber, sizeof(f->info.serialNumber))));
}

static enum rc
not_one(const struct found_list *list, const struct uri *uri, size_t n)
{
	WIPED(buf) names = { 0 };
	enum rc rc = RC_OK;

	for (size_t i = 0; i < list->n && rc == RC_OK; i++) {
		const struct found *f = &list->at[i];

		if ((f->info.flags & CKF_TOKEN_INITIALIZED) == 0 ||
		    (n == 0 ? f->again : !found_is_meant(f, uri)))
			continue;
		rc = buf_add_str(&names, names.n == 0 ? "" : ", ");
		if (rc == RC_OK)
			rc = found_name(f, &names);
	}
	if (rc != RC_OK)
		return rc;
	if (n > 1)
		return err_set(RC_TOKEN,
		    "several tokens are meant: %.*s: give the URI of one, as pkcs11:token=LABEL (`airgap-token list` shows them)",
		    SPAN_FMT(buf_span(&names)));
	if (names.n == 0)
		return err_set(RC_TOKEN,
		    "no token is present: plug it in, or name its module with module-path");
	return err_set(RC_TOKEN,
	    "the token that the URI names is not present; there is %.*s",
	    SPAN_FMT(buf_span(&names)));
}

void
found_keep(struct rack *rack, struct found *f)
{
	struct module kept = *f->module;

	for (size_t i = 0; i < rack->n; i++)
		if (&rack->module[i] != f->module)
			module_wipe(&rack->module[i]);
	rack->module[0] = kept;
	rack->n = 1;
	f->module = &rack->module[0];
}

/* Never the first of several: a CA's key on the wrong card is found out too
 * late. What two modules show of one device is one token; a URI may name it as
 * either of them does. */
enum rc
found_pick(struct rack *rack, const char *module, const struct uri *uri,
    struct found *ret)
{
	struct found_list list = { .n = 0 };
	struct found picked;
	size_t n = 0;
	enum rc rc;

	rc =
	    found_read(rack, uri->module != NULL ? uri->module : module, &list);
	for (size_t i = 0; i < list.n && rc == RC_OK; i++) {
		struct found *f = &list.at[i];

		if (!found_is_meant(f, uri) ||
		    (n != 0 && is_same_device(&picked, f)))
			continue;
		picked = *f;
		n++;
	}
	if (rc == RC_OK && n != 1)
		rc = not_one(&list, uri, n);
	if (rc != RC_OK)
		return rc;
	found_keep(rack, &picked);
	*ret = picked;
	return RC_OK;
}

static enum rc
escape_into(char *to, size_t size, const CK_UTF8CHAR *text, size_t n)
{
	WIPED(buf) plain = { 0 };
	enum rc rc = term_escape(&plain, p11_padded(text, n));

	if (rc == RC_OK)
		(void)snprintf(to, size, "%.*s", SPAN_FMT(buf_span(&plain)));
	return rc;
}

/* Does its label and serial say which one it is? */
static bool
is_ambiguous(const struct found *f, const struct found_list *list)
{
	for (size_t i = 0; list != NULL && i < list->n; i++) {
		const struct found *g = &list->at[i];

		if (g->module == f->module && g->slot != f->slot &&
		    memcmp(g->info.label, f->info.label,
			sizeof(f->info.label)) == 0 &&
		    memcmp(g->info.serialNumber, f->info.serialNumber,
			sizeof(f->info.serialNumber)) == 0)
			return true;
	}
	return false;
}

enum rc
found_describe(const struct found *f, const struct found_list *list,
    struct token_info *ret)
{
	const CK_TOKEN_INFO *t = &f->info;
	const CK_SLOT_ID slot = is_ambiguous(f, list) ? f->slot : URI_ANY_SLOT;
	WIPED(buf) uri = { 0 };
	struct token_info r = { .slot = f->slot };
	enum rc rc;

	rc = escape_into(r.label, sizeof(r.label), t->label, sizeof(t->label));
	if (rc == RC_OK)
		rc = escape_into(r.manufacturer, sizeof(r.manufacturer),
		    t->manufacturerID, sizeof(t->manufacturerID));
	if (rc == RC_OK)
		rc = escape_into(
		    r.model, sizeof(r.model), t->model, sizeof(t->model));
	if (rc == RC_OK)
		rc = escape_into(r.serial, sizeof(r.serial), t->serialNumber,
		    sizeof(t->serialNumber));
	if (rc == RC_OK)
		rc = uri_write(
		    f->module->path, t, slot, SPAN_NONE, SPAN_NONE, &uri);
	if (rc != RC_OK)
		return rc;
	if (uri.n >= sizeof(r.uri))
		return err_set(
		    RC_TOKEN, "%s: too long a path", f->module->path);
	memcpy(r.uri, uri.p, uri.n);
	r.initialised = (t->flags & CKF_TOKEN_INITIALIZED) != 0;
	r.pin_set = (t->flags & CKF_USER_PIN_INITIALIZED) != 0;
	r.count_low = (t->flags & CKF_USER_PIN_COUNT_LOW) != 0;
	r.final_try = (t->flags & CKF_USER_PIN_FINAL_TRY) != 0;
	r.locked = (t->flags & CKF_USER_PIN_LOCKED) != 0;
	r.protected_path = (t->flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0;
	*ret = r;
	return RC_OK;
}
