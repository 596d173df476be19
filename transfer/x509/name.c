/* SPDX-License-Identifier: Apache-2.0 */
/* Names as people type them, made into the one spelling that name_check
 * takes; and what scopes compare. */
#include "transfer/x509/name.h"

#include "base/list.h"
#include "transfer/x509/name_form.h"

#include <assert.h>
#include <stdlib.h>

enum rc
name_read_as(enum name_type type, struct span typed, struct buf *out)
{
	struct name name = { type, SPAN_NONE };
	struct name_parts parts;
	size_t before = out->n;
	enum rc rc;

	rc = name_split(type, typed, &parts)
		 ? name_form_get0(type)->spell(&parts, out)
		 : buf_add_span(out, typed);
	if (rc != RC_OK)
		return rc;
	/* "srv:" leaves a fresh buffer without any bytes to point at. */
	if (out->n != before)
		name.text = span_of(out->p + before, out->n - before);
	rc = name_check("the command line", &name);
	if (rc != RC_OK)
		out->n = before;
	return rc;
}

bool
name_of_text(struct span text, struct name *ret)
{
	const uint8_t *colon = text.n == 0 ? NULL : memchr(text.p, ':', text.n);
	struct span word, mark;
	enum name_type type;

	if (colon == NULL ||
	    !span_take(&text, (size_t)(colon - text.p), &word) ||
	    !span_take(&text, 1, &mark) || !name_type_read(word, &type))
		return false;
	*ret = (struct name){ type, text };
	return true;
}

enum rc
name_read(const char *typed, enum name_type *ret_type, struct buf *out)
{
	char wanted[CHOICE_TEXT];
	struct name name;
	enum rc rc;

	if (!name_of_text(span_str(typed), &name)) {
		name_types_list(":", wanted);
		return err_set(
		    RC_USAGE, "name \"%s\": wanted %s in front", typed, wanted);
	}
	rc = name_read_as(name.type, name.text, out);
	if (rc == RC_OK)
		*ret_type = name.type;
	return rc;
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

static bool
name_stands_before(const struct name_list *list, size_t kept, size_t i)
{
	for (size_t j = 0; j < kept; j++)
		if (name_compare(&list->items[j], &list->items[i]) == 0)
			return true;
	return false;
}

void
name_list_unique(struct name_list *list)
{
	size_t kept = 0, at = 0;

	for (size_t i = 0; i < list->n; i++) {
		struct name one = list->items[i];

		if (name_stands_before(list, kept, i))
			continue;
		if (one.text.n != 0)
			memmove(list->store.p + at, one.text.p, one.text.n);
		one.text.p = list->store.p + at;
		list->items[kept++] = one;
		at += one.text.n;
	}
	list->n = kept;
	buf_cut(&list->store, at);
}
