/* SPDX-License-Identifier: Apache-2.0 */
/** Deployments and publications as the online store remembers them.
 *
 * A deployment says which certificate goes into which file in which form, and what
 * makes its server read it again. `rotate` goes through them all.
 */
#ifndef TRANSFER_ONLINE_STORE_DEPLOYMENT_H
#define TRANSFER_ONLINE_STORE_DEPLOYMENT_H

#include "transfer/online/store/store.h"

enum deploy_format {
	DEPLOY_PEMFILE,	  /* key, certificate, CA certificates */
	DEPLOY_CERT,	  /* the certificate alone */
	DEPLOY_CHAIN,	  /* the CA certificates alone */
	DEPLOY_FULLCHAIN, /* certificate, CA certificates */
	DEPLOY_P12,	  /* PKCS#12 of all */
	/* Of the CA, whatever name a certificate has: */
	DEPLOY_CRL,	/* the CRLs that are due */
	DEPLOY_CA_CRL,	/* the CA certificates, and those CRLs */
	DEPLOY_CRL_DIR, /* a directory of those CRLs by hashes, HASH.rN */
	DEPLOY_INDEX,	/* index.txt, for an OCSP responder */
	DEPLOY_FORMATS,
};
const char *deploy_format_text(enum deploy_format format);
bool deploy_format_read(const char *text, enum deploy_format *ret);
/** Is it of a name and its certificates? */
bool deploy_format_is_named(enum deploy_format format);

struct deployment {
	char *path; /* absolute, without links: what identifies it */
	char *name, *profile; /* NULL: the format is of no name */
	enum deploy_format format;
	char *key_path, *key_from, *pass_source, *reload; /* or NULL */
	char *key_type; /* as in struct held, where two stand side by side; NULL */
	bool legacy;	/* PKCS#12 that old programs read */
	/* The certificate that is in place and with which the reload went well,
	 * or what the file holds where it is no certificate's; false: there is
	 * something left to do. */
	bool has_done;
	uint8_t done[SHA256_LEN];
	/* PKCS#12 has a new salt each time: what the file was made of, and the
	 * digest of what came out. */
	bool has_made;
	uint8_t made_of[SHA256_LEN], made[SHA256_LEN];
	/* A key that lies at key_path and is not ours to write: the digest of the
	 * file that was found to be that of this public key. */
	bool has_key;
	uint8_t key_file[SHA256_LEN], key_spki[SHA256_LEN];
};
void deployment_wipe(struct deployment *d);

/** The type of key that it is for from now on; NULL: as it was. */
enum rc deployment_set_type(struct deployment *d, const char *key_type)
    MUST_CHECK;

/** Is that certificate in place, and was the reload with it good? */
bool deployment_has(
    const struct deployment *d, const uint8_t sha256[static SHA256_LEN]);

struct deployment_list {
	struct deployment *items; /* owned */
	size_t n;
};
void deployment_list_wipe(struct deployment_list *list);

/** All of them, by path. */
enum rc deployment_list_load(struct store *store, struct deployment_list *ret)
    MUST_CHECK;

/** Remember it, in place of one with the same path; one statement, durable. */
enum rc deployment_save(struct store *store, const struct deployment *d)
    MUST_CHECK;
/** Forget it. \param[out] ret_known  there was one */
enum rc deployment_forget(struct store *store, const char *path,
    bool *ret_known) MUST_CHECK;

/** Forget all deployments, and publications, of that name and profile. Within a
 * transaction. `each` is told of their paths before. */
enum rc deployment_forget_name(struct store *store, struct span name,
    struct span profile, void (*each)(void *arg, struct span path), void *arg)
    MUST_CHECK;

/** A web root that `rotate` keeps as `publish` made it. */
struct publication {
	char *dir; /* absolute */
	char *name, *profile; /* of the POSH documents; both NULL: none */
};

struct publication_list {
	struct publication *items; /* owned */
	size_t n;
};
void publication_list_wipe(struct publication_list *list);

enum rc publication_list_load(struct store *store,
    struct publication_list *ret) MUST_CHECK;
enum rc publication_save(struct store *store, const struct publication *p)
    MUST_CHECK;
enum rc publication_forget(struct store *store, const char *dir,
    bool *ret_known) MUST_CHECK;

#endif
