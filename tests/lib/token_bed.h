/* SPDX-License-Identifier: Apache-2.0 */
/** A token with a CA's keys, or some of them, and no home. */
#ifndef TESTS_LIB_TOKEN_BED_H
#define TESTS_LIB_TOKEN_BED_H

#include "tests/lib/fake_token_process.h"
#include "tests/lib/test_dir.h"

#include "ca/home/keys.h"

struct token_bed {
	struct software_ca ca;
	struct ledger_ca ledger_ca; /* what a ledger says of it */
	struct token_conf conf;
	struct fake_play *play;
	struct token *token;
	struct keys keys;
};

static inline void
token_bed_wipe(struct token_bed *b)
{
	keys_wipe(&b->keys);
	token_free(b->token);
	software_ca_wipe(&b->ca);
	ledger_ca_wipe(&b->ledger_ca);
	token_conf_wipe(&b->conf);
	fake_token_empty();
	fake_play_free(b->play);
}

/** The CA; what the token holds comes next. */
static inline void
token_bed_make(struct token_bed *b, const char *type)
{
	software_ca_make(&b->ca, type);
	memcpy(b->ledger_ca.ca_id, b->ca.id, SHA256_LEN);
	check_ok(
	    buf_add_span(&b->ledger_ca.ca_cert, buf_span(&b->ca.der)));
	check_ok(buf_add_span(
	    &b->ledger_ca.transfer_cert, buf_span(&b->ca.transfer_der)));
	check_ok(buf_add(
	    &b->conf.ca, FAKE_TOKEN_URI, sizeof(FAKE_TOKEN_URI)));
	check_ok(buf_add(
	    &b->conf.transfer, FAKE_TOKEN_URI, sizeof(FAKE_TOKEN_URI)));
}

static inline void
token_bed_start(struct token_bed *b)
{
	b->play = fake_play_new();
	fake_token_start(b->play, &b->token);
}

/** Behind what it holds already, the CA's keys under these labels (NULL: it
 * lacks that one), and start it. */
static inline void
token_bed_hold(struct token_bed *b, const char *ca, const char *transfer)
{
	if (ca != NULL) {
		assert_int_equal(EVP_PKEY_up_ref(b->ca.key), 1);
		(void)fake_token_hold(b->ca.key, ca);
	}
	if (transfer != NULL) {
		assert_int_equal(EVP_PKEY_up_ref(b->ca.transfer_key), 1);
		(void)fake_token_hold(b->ca.transfer_key, transfer);
	}
	token_bed_start(b);
}

/** It answers "no" to the nth request of a kind. */
static inline void
token_bed_fails(struct token_bed *b, unsigned op, unsigned nth)
{
	b->play->token.deed = FAKE_REFUSE;
	b->play->token.what = op;
	b->play->token.nth = nth;
	b->play->token.rc = RC_TOKEN;
	b->play->token.text = "no";
}

#endif
