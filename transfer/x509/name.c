/* SPDX-License-Identifier: Apache-2.0 */
/* Names as people type them, made into the one spelling that name_check
 * takes; and what scopes compare. */
#include "transfer/x509/name.h"

#include "base/list.h"
#include "transfer/rule.h"
#include "transfer/x509/name_jid.h"
#include "transfer/x509/name_parts.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>

static const char *const type_texts[NAME_TYPES] = {
	[NAME_DNS] = "dns",
	[NAME_SRV] = "srv",
	[NAME_XMPP] = "xmpp",
	[NAME_IP] = "ip",
	[NAME_EMAIL] = "email",
	[NAME_URI] = "uri",
};

const char *
name_type_text(enum name_type type)
{
	return type < NAME_TYPES ? type_texts[type] : "?";
}

bool
name_type_read(struct span text, enum name_type *ret_type)
{
	for (size_t i = 0; i < NAME_TYPES; i++) {
		if (span_eq_str(text, type_texts[i])) {
			*ret_type = (enum name_type)i;
			return true;
		}
	}
	return false;
}

/* ---- as typed by a person ------------------------------------------------ */

static enum rc
add_domain(enum name_type type, struct span domain, struct buf *out)
{
	size_t before = out->n;

	if (type == NAME_XMPP) {
		WIPED(buf) ascii = { 0 };

		/* by way of the A-labels, so that it is mapped */
		if (domain_to_ascii(domain, true, &ascii) &&
		    domain_to_unicode(buf_span(&ascii), out))
			return RC_OK;
	} else if (!span_is_ascii(domain) &&
		   domain_to_ascii(domain, true, out)) {
		return RC_OK;
	}
	/* What libidn2 does not take is left for name_check to name. */
	out->n = before;
	return add_lowered(out, domain);
}

static enum rc
add_head(enum name_type type, struct span head, struct buf *out)
{
	struct span local = head;
	enum rc rc;

	if (type == NAME_EMAIL)
		return buf_add_span(out, head);
	if (type != NAME_XMPP)
		return add_lowered(out, head);
	local.n--; /* the '@' */
	rc = jid_local_prepare(local, out);
	return rc != RC_OK ? rc : buf_add_byte(out, '@');
}

static enum rc
name_add_ip(struct span text, struct buf *out)
{
	char typed[INET6_ADDRSTRLEN] = "", canonical[INET6_ADDRSTRLEN];
	struct in6_addr address;
	int family;

	if (text.n < sizeof(typed) && text.n != 0)
		memcpy(typed, text.p, text.n);
	family = strchr(typed, ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(family, typed, &address) == 1 &&
	    inet_ntop(family, &address, canonical, sizeof(canonical)) != NULL)
		return buf_add_str(out, canonical);
	return buf_add_span(out, text);
}

static enum rc
add_canonical(enum name_type type, struct span text, struct buf *out)
{
	struct name_parts parts;
	enum rc rc;

	if (type == NAME_IP)
		return name_add_ip(text, out);
	if (!name_split(type, text, &parts))
		return buf_add_span(out, text);
	rc = add_head(type, parts.head, out);
	if (rc == RC_OK)
		rc = add_domain(type, parts.domain, out);
	return rc != RC_OK ? rc : buf_add_span(out, parts.tail);
}

enum rc
name_read(const char *typed, struct buf *store, enum name_type *ret_type,
    size_t *ret_offset)
{
	const char *colon = strchr(typed, ':');
	size_t before = store->n;
	struct name name;
	enum rc rc;

	if (colon == NULL ||
	    !name_type_read(
		span_of(typed, (size_t)(colon - typed)), &name.type))
		return err_set(RC_USAGE,
		    "name \"%s\": wanted dns:, srv:, xmpp:, ip:, email: or "
		    "uri: in front",
		    typed);
	rc = add_canonical(name.type, span_str(colon + 1), store);
	if (rc != RC_OK)
		return rc;
	/* "srv:" leaves a fresh store without any bytes to point at. */
	name.text = store->n == before
			? SPAN_NONE
			: span_of(store->p + before, store->n - before);
	rc = name_check("the command line", &name);
	if (rc != RC_OK) {
		store->n = before;
		return rc;
	}
	*ret_type = name.type;
	*ret_offset = before;
	return RC_OK;
}

/* ---- scope --------------------------------------------------------------- */

struct span
name_domain(const struct name *name)
{
	struct name_parts parts;

	return name_split(name->type, name->text, &parts) ? parts.domain
							  : SPAN_NONE;
}

/* The byte before must be a dot: notexample.org does not lie below
 * example.org. */
static bool
is_below(struct span domain, struct span scope)
{
	struct span above;

	if (scope.n == 0 || domain.n < scope.n)
		return false;
	above = span_of(domain.p + (domain.n - scope.n), scope.n);
	if (strncasecmp(
		(const char *)above.p, (const char *)scope.p, scope.n) != 0)
		return false;
	return domain.n == scope.n || above.p[-1] == '.';
}

bool
name_in_scope(const struct name *name, const char *scope)
{
	struct span domain = name_domain(name);
	WIPED(buf) ascii = { 0 };

	/* a JID has U-labels, a scope A-labels */
	if (!span_is_ascii(domain)) {
		if (!domain_to_ascii(domain, false, &ascii))
			return false;
		domain = buf_span(&ascii);
	}
	return is_below(domain, span_str(scope));
}

int
name_compare(const struct name *a, const struct name *b)
{
	size_t common = a->text.n < b->text.n ? a->text.n : b->text.n;
	int order;

	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	order = common == 0 ? 0 : memcmp(a->text.p, b->text.p, common);
	if (order != 0)
		return order;
	return a->text.n < b->text.n ? -1 : a->text.n > b->text.n;
}

enum rc
name_write(struct buf *out, const struct name *name)
{
	enum rc rc = buf_add_str(out, name_type_text(name->type));

	if (rc == RC_OK)
		rc = buf_add_byte(out, ':');
	return rc != RC_OK ? rc : buf_add_span(out, name->text);
}

/* ---- lists --------------------------------------------------------------- */

void
name_list_wipe(struct name_list *list)
{
	free(list->items);
	buf_wipe(&list->store);
	*list = (struct name_list){ 0 };
}

enum rc
name_list_add(struct name_list *list, enum name_type type, struct span text)
{
	size_t at = 0;
	enum rc rc = LIST_GROW(list->items, list->n);

	if (rc == RC_OK)
		rc = buf_add_span(&list->store, text);
	if (rc != RC_OK)
		return rc;
	list->items[list->n++] = (struct name){ type, text };
	/* The store may have moved. It holds the texts one after the other. */
	for (size_t i = 0; i < list->n; i++) {
		struct span *one = &list->items[i].text;

		one->p = list->store.p + at;
		at += one->n;
	}
	assert(at == list->store.n);
	return RC_OK;
}
