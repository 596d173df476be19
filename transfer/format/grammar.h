/* SPDX-License-Identifier: Apache-2.0 */
/** docs/transfer.cddl as tables: its common part (transfer/format/payload.c), and
 * the three payloads, each in a file of its own.
 */
#ifndef TRANSFER_FORMAT_GRAMMAR_H
#define TRANSFER_FORMAT_GRAMMAR_H

#include "transfer/format/cose.h"
#include "transfer/format/payload.h"
#include "transfer/format/schema.h"

extern const struct schema_type grammar_version, grammar_uint, grammar_ca_id,
    grammar_key_id, grammar_bundle_id, grammar_digest, grammar_serial,
    grammar_sequence, grammar_epoch, grammar_duration, grammar_overlap,
    grammar_crl_number, grammar_cert_der, grammar_spki_der, grammar_rule,
    grammar_request_id, grammar_profile, grammar_file_name, grammar_label,
    grammar_comment, grammar_ledger_head, grammar_certs, grammar_name;

/** A payload as a whole. */
extern const struct schema_field grammar_bundle, grammar_manifest, grammar_card;
const struct schema_field *grammar_of(enum cose_type type);

#endif
