/* SPDX-License-Identifier: Apache-2.0 */
/** What both ends of the token process talk about: a token, a key, how to sign.
 * token/token.h brings it to those who use the process. */
#ifndef TOKEN_WIRE_SHAPE_H
#define TOKEN_WIRE_SHAPE_H

#include "base/buf.h"

#define TOKEN_HIDDEN 3 /* paths that a module is kept from */

/** What the process is started with; copied. */
struct token_options {
	const char *module;  /* path when the URI has no module-path; or NULL */
	bool last_try;	     /* use a token at its final PIN try */
	bool ask_each;	     /* ask for the PIN before each signature */
	bool network;	     /* the module reaches its token over TCP */
	const char *hidden[TOKEN_HIDDEN]; /* home, media; or NULL. Not copied */
};

/** What the process gave up before it loads a module. */
struct token_level {
	bool seccomp;
	int landlock_abi; /* 0: the kernel has none, and nothing is hidden */
};

/** A key as the token describes it. */
struct token_key {
	char uri[1536];		/* names this key again: the token's, object, id */
	char label[128];	/* CKA_LABEL, escaped */
	uint8_t id[64];		/* CKA_ID */
	size_t id_len;
	char type[16];		/* "ec-p256", "rsa-3072", or "other" */
	bool has_private, sensitive, extractable, always_sensitive,
	    never_extractable, local, always_authenticate, sign, decrypt;
	struct buf spki;	/* DER; empty when the public part is not there */
};
void token_key_wipe(struct token_key *key);

/** A token as the module describes it. */
struct token_info {
	char uri[1024];		/* names this token again: module-path, token,
				 * serial */
	char label[132], manufacturer[132], model[68], serial[68]; /* escaped */
	bool initialised, pin_set, count_low, final_try, locked, protected_path;
	unsigned long slot;
};

/** The token that holds a key. Where it was is a hint. */
struct token_sought {
	const char *uri;     /* where it was; or NULL */
	const char *said_by; /* the file that says so; or NULL */
	struct span spki[2]; /* whoever shows one of these is the one; n 0: none */
};

enum token_scheme { TOKEN_ECDSA, TOKEN_RSA_PKCS1, TOKEN_RSA_PSS };

/** What `token_init` asks for and where from. */
struct token_setup {
	const char *module;	   /* path */
	const char *label;	   /* at most 32 bytes */
	const char *so_pin_source; /* a file; NULL: asked for, twice */
	const char *pin_source;	   /* likewise */
};

#endif
