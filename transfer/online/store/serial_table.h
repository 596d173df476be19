/* SPDX-License-Identifier: Apache-2.0 */
/** Serials of this host's certificates, to be found among the entries of a CRL. */
#ifndef TRANSFER_ONLINE_STORE_SERIAL_TABLE_H
#define TRANSFER_ONLINE_STORE_SERIAL_TABLE_H

#include "transfer/online/store/store.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/reason.h"

struct serial_row {
	uint8_t bytes[SERIAL_MAX];
	size_t n;
	bool listed; /* the CRL lists it, and says: */
	int64_t at;
	enum reason reason;
};

/** Begins as { 0 }. */
struct serial_table {
	struct serial_row *rows; /* owned */
	size_t n;
};
void serial_table_wipe(struct serial_table *table);

enum rc serial_table_add(struct serial_table *table, struct span serial)
    MUST_CHECK;

/** After the last was added, once: look for them in that CRL. An entry of another
 * serial is nothing to it. \retval RC_STATE  no CRL: the store is damaged */
enum rc serial_table_mark(struct serial_table *table, const char *from,
    struct span crl) MUST_CHECK;

/** NULL: it was not added. */
const struct serial_row *serial_table_find(
    const struct serial_table *table, struct span serial);

#endif
