/* SPDX-License-Identifier: Apache-2.0 */
/** A PKCS#11 module for unit tests (fake_token.c, built beside the programs as
 * fake_token.so): one card with three PIN tries, which keeps what the test puts
 * on it, and answers any call with any CK_RV.
 *
 * The test and whoever loads the module by its path, this process or one that
 * it forks later, share the state. What is to misbehave in another way is a
 * function of the test's own, put into `f`.
 */
#ifndef TESTS_LIB_FAKE_TOKEN_H
#define TESTS_LIB_FAKE_TOKEN_H

#include "token/p11/p11.h"

#include <stdbool.h>
#include <stdint.h>

enum fake_call {
	FAKE_INITIALIZE,
	FAKE_SLOT_LIST,
	FAKE_SLOT_INFO,
	FAKE_TOKEN_INFO,
	FAKE_MECHANISM_INFO,
	FAKE_INIT_TOKEN,
	FAKE_INIT_PIN,
	FAKE_OPEN_SESSION,
	FAKE_LOGIN,
	FAKE_LOGOUT,
	FAKE_DESTROY,
	FAKE_GET_ATTRIBUTE,
	FAKE_FIND_INIT,
	FAKE_FIND,
	FAKE_SIGN_INIT,
	FAKE_SIGN,
	FAKE_GENERATE,
	FAKE_CALLS
};

#define FAKE_ATTRS 24
#define FAKE_OBJECTS 24
#define FAKE_SLOTS 3
#define FAKE_PIN "123456"

struct fake_object {
	bool there;
	struct {
		CK_ATTRIBUTE_TYPE type;
		uint8_t value[1100];
		CK_ULONG n;
	} attr[FAKE_ATTRS];
	size_t n;
};

struct fake {
	CK_FUNCTION_LIST f;
	/* The n-th call (from 1) and the ones after it get `rv`, `times` in all
	 * (0: for ever); n 0: none does. */
	struct {
		CK_RV rv;
		unsigned n, times, calls;
	} answer[FAKE_CALLS];
	unsigned n_slots; /* each holds a card of the same kind */
	CK_SLOT_INFO slot[FAKE_SLOTS];
	CK_TOKEN_INFO token[FAKE_SLOTS];
	CK_MECHANISM_INFO mechanism;
	unsigned tries;
	bool logged_in;
	bool pin_each;	/* a login is good for one signature, and no attribute says so */
	bool login_fresh;
	unsigned sessions; /* open now */
	CK_ULONG signature; /* bytes that C_Sign gives */
	struct fake_object object[FAKE_OBJECTS]; /* handle: index and one */
	/* What C_GenerateKeyPair makes, with the template's label and id. */
	struct fake_object new_private, new_public;
	CK_ULONG n_template; /* attributes of the last private template */
};

#endif
