/* SPDX-License-Identifier: Apache-2.0 */
/* The table is sorted and the CRL walked once: it may have a million entries,
 * and this host a hundred certificates. */
#include "transfer/online/store/serial_table.h"

#include "base/list.h"
#include "transfer/x509/crl_read.h"

#include <stdlib.h>
#include <string.h>

void
serial_table_wipe(struct serial_table *table)
{
	free(table->rows);
	*table = (struct serial_table){ 0 };
}

enum rc
serial_table_add(struct serial_table *table, struct span serial)
{
	struct serial_row *row;
	enum rc rc = serial.n > SERIAL_MAX
			 ? err_set(RC_BUG, "a serial of %zu bytes", serial.n)
			 : LIST_GROW(table->rows, table->n);

	if (rc != RC_OK)
		return rc;
	row = &table->rows[table->n++];
	*row = (struct serial_row){ .n = serial.n };
	memcpy(row->bytes, serial.p, serial.n);
	return RC_OK;
}

static int
serial_compare(const void *a, const void *b)
{
	const struct serial_row *x = a, *y = b;

	return x->n != y->n ? (x->n < y->n ? -1 : 1)
			    : memcmp(x->bytes, y->bytes, x->n);
}

static struct serial_row *
serial_find(const struct serial_table *table, struct span serial)
{
	struct serial_row key = { .n = serial.n };

	if (serial.n > SERIAL_MAX || table->n == 0)
		return NULL;
	memcpy(key.bytes, serial.p, serial.n);
	return bsearch(
	    &key, table->rows, table->n, sizeof(key), serial_compare);
}

static enum rc
serial_see(void *arg, const struct crl_revoked *revoked)
{
	struct serial_row *row = serial_find(arg, revoked->serial);

	if (row == NULL)
		return RC_OK;
	row->listed = true;
	row->at = revoked->at;
	row->reason = revoked->reason;
	return RC_OK;
}

enum rc
serial_table_mark(struct serial_table *table, const char *from, struct span crl)
{
	OWNS(crl_reader) *reader = NULL;
	struct crl_facts facts;
	enum rc rc = crl_reader_new(from, serial_see, table, &reader);

	if (table->n != 0)
		qsort(table->rows, table->n, sizeof(*table->rows),
		    serial_compare);
	if (rc == RC_OK)
		rc = crl_reader_read(reader, crl, &facts);
	return rc == RC_FORMAT ? err_in(RC_STATE, "a CRL that was judged") : rc;
}

const struct serial_row *
serial_table_find(const struct serial_table *table, struct span serial)
{
	return serial_find(table, serial);
}
