/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys are files of mode 0600 beside the store and never in it: the
 * store is copied, dumped and shown, and OpenSSL encodes keys in its own
 * locked or wiped memory on the way. */
#include "transfer/online/store/home.h"

#include "base/file.h"
#include "base/own_ssl.h"
#include "transfer/guard.h"
#include "transfer/x509/key.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOME_KEY_MAX 16384 /* bytes; RSA 8192 takes 6,400 */

enum rc
online_store_path(const char *home, struct buf *ret_path)
{
	return buf_printf(ret_path, "%s/store.db", home);
}

/* A home that is not there is for store_open to miss. */
enum rc
online_guard(const char *home)
{
	static const char *const files[] = { "store.db", ONLINE_REQUESTER_KEY,
		"keys", "certs", NULL };
	OWN_FD dir = -1;

	if (access(home, F_OK) != 0)
		return guard_home_new(home);
	return guard_home_enter(home, files, &dir);
}

enum rc
online_open(const char *home, bool write, struct store *ret)
{
	char other[HOME_ELSEWHERE];
	WIPED(buf) path = { 0 };
	const char *text;
	enum rc rc = online_store_path(home, &path);

	if (rc != RC_OK)
		return rc;
	text = buf_cstr(&path);
	if (text == NULL)
		return err_memory();
	rc = online_guard(home);
	/* The rule's remedy would make a second home. */
	if (rc == RC_OK && access(text, F_OK) != 0 && errno == ENOENT &&
	    home_elsewhere("airgap-transfer", home, other))
		return err_set(RC_FORMAT,
		    "%s: there is none; %s; to have another one here: `airgap-transfer enroll STICK`",
		    text, other);
	return rc != RC_OK ? rc : store_open(text, write, ret);
}

/* On a file that only those may open who may use the home: who can read what is
 * locked can keep everybody out. */
enum rc
online_lock(const char *home, int *ret_fd)
{
	OWN_FD dir = -1;
	OWN_FD fd = -1;
	enum rc rc = dir_open(AT_FDCWD, home, &dir);

	if (rc != RC_OK)
		return rc;
	fd = fd_openat(
	    dir, ONLINE_REQUESTER_KEY, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(
		    RC_IO, errno, "%s/" ONLINE_REQUESTER_KEY, home);
	rc = fd_lock(fd, home,
	    "another install, deploy, rotate or publish is running; try again when it has ended");
	if (rc != RC_OK)
		return rc;
	*ret_fd = fd;
	fd = -1;
	return RC_OK;
}

/* ---- keys ---------------------------------------------------------------- */

enum rc
online_key_make(const char *type, EVP_PKEY **ret)
{
	char wanted[CHOICE_TEXT];
	const struct key_row *row;
	struct key_type read;
	EVP_PKEY *key;

	if (!key_type_read(type, KEY_OF_SUBSCRIBER, &read)) {
		key_types_list(KEY_OF_SUBSCRIBER, wanted);
		return err_set(
		    RC_USAGE, "--new-key %s: wanted %s", type, wanted);
	}
	row = key_row_get0(read.kind);
	/* OpenSSL takes what its type asks for: a size, a curve's name,
	 * nothing. */
	key =
	    row->family == KEY_MODULUS
		? EVP_PKEY_Q_keygen(NULL, NULL, row->openssl, (size_t)read.bits)
		: EVP_PKEY_Q_keygen(NULL, NULL, row->openssl, row->group);
	if (key == NULL)
		return err_openssl(RC_BUG, "no key of type %s", type);
	*ret = key;
	return RC_OK;
}

static enum rc
home_file(
    const char *home, const char *file, struct buf *path, const char **ret_path)
{
	enum rc rc = buf_printf(path, "%s/%s", home, file);

	if (rc != RC_OK)
		return rc;
	*ret_path = buf_cstr(path);
	return *ret_path == NULL ? err_memory() : RC_OK;
}

/* BIO_s_secmem wipes what it held; file_create is exclusive and syncs. */
enum rc
online_key_write(const char *home, const char *file, EVP_PKEY *key)
{
	OWN(BIO) *bio = BIO_new(BIO_s_secmem());
	WIPED(buf) path = { 0 };
	const char *text = NULL;
	char *pem = NULL;
	long n;
	enum rc rc = home_file(home, file, &path, &text);

	if (rc != RC_OK)
		return rc;
	if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(
			       bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		return err_openssl(RC_BUG, "%s: cannot be encoded", text);
	n = BIO_get_mem_data(bio, &pem);
	return file_create(AT_FDCWD, text, span_of(pem, (size_t)n), 0600);
}

/* OpenSSL's PEM readers would ask at the terminal or read stdin, and a timer
 * has nobody to ask. */
static int
no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

enum rc
online_key_parse(const char *from, struct span pem, EVP_PKEY **ret)
{
	OWN(BIO) *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *key = bio == NULL ? NULL
				    : PEM_read_bio_PrivateKey(
					  bio, NULL, no_passphrase, NULL);

	if (key == NULL)
		return err_openssl(RC_STATE,
		    "%s: no private key in PEM without a passphrase", from);
	*ret = key;
	return RC_OK;
}

enum rc
online_key_file_read(const char *path, size_t cap, EVP_PKEY **ret)
{
	WIPED(buf) pem = { 0 };
	enum rc rc = file_read(AT_FDCWD, path, cap, &pem);

	return rc != RC_OK ? rc : online_key_parse(path, buf_span(&pem), ret);
}

enum rc
online_key_read(const char *home, const char *file, EVP_PKEY **ret)
{
	WIPED(buf) path = { 0 };
	const char *text = NULL;
	enum rc rc = home_file(home, file, &path, &text);

	return rc != RC_OK ? rc : online_key_file_read(text, HOME_KEY_MAX, ret);
}

/* Each file of keys, as long as it is well and nothing is found. */
static enum rc
home_key_each(const char *home, int home_n,
    enum rc (*each)(void *arg, const char *file, bool *ret_found), void *arg)
{
	WIPED(buf) dir = { 0 };
	struct dirent **entries = NULL;
	bool found = false;
	const char *path;
	int n;
	enum rc rc = buf_printf(&dir, "%.*s/keys", home_n, home);

	path = rc == RC_OK ? buf_cstr(&dir) : NULL;
	if (path == NULL)
		return err_memory();
	n = scandir(path, &entries, NULL, alphasort);
	if (n < 0)
		return errno == ENOENT ? RC_OK
				       : err_errno(RC_IO, errno, "%s", path);
	for (int i = 0; i < n; i++) {
		if (rc == RC_OK && !found)
			rc = each(arg, entries[i]->d_name, &found);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

struct key_wanted {
	char ends[32]; /* so does its name */
	struct buf *ret_file;
};

static enum rc
home_key_named(void *arg, const char *file, bool *ret_found)
{
	const struct key_wanted *wanted = arg;
	size_t len = strlen(file), n = strlen(wanted->ends);

	*ret_found = len > n && strcmp(file + len - n, wanted->ends) == 0;
	return *ret_found ? buf_printf(wanted->ret_file, "keys/%s", file)
			  : RC_OK;
}

/* By its name alone: deploy holds the key to the certificate. */
enum rc
online_key_find(const struct store *store,
    const uint8_t key_id[static SHA256_LEN], struct buf *ret_file)
{
	const char *home = store->db.path, *end = strrchr(home, '/');
	struct key_wanted wanted = { .ret_file = ret_file };
	char hex[17];

	hex_write(span_of(key_id, 8), hex);
	(void)snprintf(wanted.ends, sizeof(wanted.ends), "-%s.pem", hex);
	return home_key_each(end == NULL ? "." : home,
	    end == NULL ? 1 : (int)(end - home), home_key_named, &wanted);
}

struct key_bytes {
	const char *home;
	const uint8_t *sha256;
	bool *ret;
};

static enum rc
home_key_of_bytes(void *arg, const char *file, bool *ret_found)
{
	const struct key_bytes *wanted = arg;
	WIPED(buf) path = { 0 };
	WIPED(buf) pem = { 0 };
	uint8_t digest[SHA256_LEN];
	const char *text;
	enum rc rc = buf_printf(&path, "%s/keys/%s", wanted->home, file);

	if (*file == '.')
		return rc;
	text = rc == RC_OK ? buf_cstr(&path) : NULL;
	if (text == NULL)
		return err_memory();
	rc = file_read(AT_FDCWD, text, HOME_KEY_MAX, &pem);
	if (rc == RC_OK)
		rc = sha256(buf_span(&pem), digest);
	if (rc != RC_OK)
		return rc;
	*ret_found = memcmp(digest, wanted->sha256, SHA256_LEN) == 0;
	*wanted->ret |= *ret_found;
	return RC_OK;
}

enum rc
online_key_is_here(
    const char *home, const uint8_t sha256[static SHA256_LEN], bool *ret)
{
	struct key_bytes wanted = { home, sha256, ret };

	*ret = false;
	return home_key_each(
	    home, (int)strlen(home), home_key_of_bytes, &wanted);
}
