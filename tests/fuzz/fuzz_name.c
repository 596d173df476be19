/* SPDX-License-Identifier: Apache-2.0 */
/* Names as typed, and subjectAltNames as they lie in a request. */
#include "transfer/x509/der.h"
#include "transfer/x509/name.h"
#include "transfer/x509/name_san.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool fact)
{
	if (!fact)
		abort();
}

/* A name that is read is in the one spelling: reading it again changes nothing,
 * and it survives the way through a certificate. */
static void
typed(const char *text)
{
	WIPED(buf) store = { 0 };
	WIPED(buf) again = { 0 };
	WIPED(buf) store_again = { 0 };
	WIPED(buf) san = { 0 };
	WIPED(name_list) back = { 0 };
	struct name name, second;

	if (name_read(text, &name.type, &store) != RC_OK)
		return;
	name.text = buf_span(&store);
	must(name_write(&again, &name) == RC_OK);
	must(name_read(buf_cstr(&again), &second.type, &store_again) == RC_OK);
	second.text = buf_span(&store_again);
	must(name_compare(&name, &second) == 0);
	must(names_to_san_der(&name, 1, &san) == RC_OK);
	must(names_of_san_der("f", buf_span(&san), &back) == RC_OK);
	must(back.n == 1 && name_compare(&name, &back.items[0]) == 0);
}

/* What is taken and well formed is encoded to the same bytes. */
static void
encoded(struct span der)
{
	WIPED(name_list) list = { 0 };
	WIPED(buf) again = { 0 };
	const char *what;
	size_t at;

	if (!der_check(der, &what, &at) ||
	    names_of_san_der("f", der, &list) != RC_OK)
		return;
	for (size_t i = 0; i < list.n; i++)
		if (name_check("f", &list.items[i]) != RC_OK)
			return;
	must(names_to_san_der(list.items, list.n, &again) == RC_OK);
	must(span_eq(buf_span(&again), der));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	WIPED(buf) text = { 0 };

	encoded(span_of(data, size));
	must(buf_add(&text, data, size) == RC_OK);
	typed(buf_cstr(&text));
	return 0;
}
