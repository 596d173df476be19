/* SPDX-License-Identifier: Apache-2.0 */
/* The wrappers of fail.h. A function more is a row more: the Makefile reads the
 * names from here and hands them to the linker (--wrap). */
#include "tests/lib/fail.h"

#include "base/db.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static struct {
	const char *functions;
	int why;
	unsigned round, left; /* calls until the one that fails; 0: none does */
	const char *hit;
	const void *spent; /* a BN_CTX that has failed */
	bool kills;
} fail;

void
fail_nth(const char *functions, unsigned n, int why)
{
	fail.functions = functions;
	fail.why = why;
	fail.hit = NULL;
	fail.spent = NULL;
	fail.left = n;
	err_shortage_clear();
}

void
fail_begin(const char *functions, int why)
{
	fail_nth(functions, 0, why);
	fail.round = 0;
}

bool
fail_next(void)
{
	if (fail.round > 0 && fail.hit == NULL) {
		fail.left = 0;
		return false;
	}
	fail_nth(fail.functions, ++fail.round, fail.why);
	return true;
}

const char *
fail_stop(void)
{
	fail.left = 0;
	err_shortage_clear();
	return fail.hit;
}

void
fail_kills(void)
{
	fail.kills = true;
}

static bool
is_named(const char *name)
{
	size_t n = strlen(name);

	if (fail.functions == NULL)
		return true;
	for (const char *at = fail.functions;
	     (at = strstr(at, name)) != NULL; at += n)
		if ((at == fail.functions || at[-1] == ' ') &&
		    (at[n] == ' ' || at[n] == '\0'))
			return true;
	return false;
}

static bool
fails_now(const char *name)
{
	if (fail.left == 0 || !is_named(name) || --fail.left != 0)
		return false;
	if (fail.kills)
		_exit(FAIL_KILLED);
	fail.hit = name;
	errno = fail.why;
	return true;
}

unsigned
fail_open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	if (dir == NULL)
		abort();
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n;
}

#define FAIL(type, name, parameters, arguments, failed)                        \
	type __real_##name parameters;                                         \
	type __wrap_##name parameters;                                         \
	type __wrap_##name parameters                                          \
	{                                                                      \
		return fails_now(#name) ? (failed) : __real_##name arguments;  \
	}

/* clang-format off */
/* ---- memory ---- */
FAIL(void *, malloc, (size_t n), (n), NULL)
FAIL(void *, calloc, (size_t n, size_t size), (n, size), NULL)
FAIL(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size), NULL)
FAIL(char *, strdup, (const char *s), (s), NULL)
FAIL(char *, strndup, (const char *s, size_t n), (s, n), NULL)
FAIL(int, posix_memalign, (void **p, size_t align, size_t n), (p, align, n), ENOMEM)
FAIL(void *, mmap, (void *at, size_t n, int prot, int flags, int fd, off_t off), (at, n, prot, flags, fd, off), MAP_FAILED)

/* ---- files; what is variadic is called with all of it ---- */
FAIL(int, open, (const char *path, int flags, mode_t mode), (path, flags, mode), -1)
FAIL(int, openat, (int dir, const char *path, int flags, mode_t mode), (dir, path, flags, mode), -1)
FAIL(ssize_t, read, (int fd, void *to, size_t n), (fd, to, n), -1)
FAIL(ssize_t, pread, (int fd, void *to, size_t n, off_t at), (fd, to, n, at), -1)
FAIL(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n), -1)
FAIL(int, fstat, (int fd, struct stat *st), (fd, st), -1)
FAIL(int, fstatat, (int dir, const char *path, struct stat *st, int flags), (dir, path, st, flags), -1)
FAIL(int, fstatfs, (int fd, struct statfs *st), (fd, st), -1)
FAIL(int, fsync, (int fd), (fd), -1)
FAIL(int, syncfs, (int fd), (fd), -1)
FAIL(int, fchmod, (int fd, mode_t mode), (fd, mode), -1)
FAIL(int, fcntl, (int fd, int op, unsigned long arg), (fd, op, arg), -1)
FAIL(int, mkdir, (const char *path, mode_t mode), (path, mode), -1)
FAIL(int, mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode), -1)
FAIL(int, unlinkat, (int dir, const char *path, int flags), (dir, path, flags), -1)
FAIL(int, renameat, (int from, const char *a, int to, const char *b), (from, a, to, b), -1)
FAIL(int, renameat2, (int from, const char *a, int to, const char *b, unsigned flags), (from, a, to, b, flags), -1)
FAIL(int, linkat, (int from, const char *a, int to, const char *b, int flags), (from, a, to, b, flags), -1)
FAIL(int, symlinkat, (const char *to, int dir, const char *path), (to, dir, path), -1)
FAIL(DIR *, fdopendir, (int fd), (fd), NULL)
FAIL(struct dirent *, readdir, (DIR *dir), (dir), NULL)
FAIL(int, memfd_create, (const char *name, unsigned flags), (name, flags), -1)
FAIL(int, tcgetattr, (int fd, struct termios *t), (fd, t), -1)
FAIL(int, tcsetattr, (int fd, int when, const struct termios *t), (fd, when, t), -1)

/* ---- processes and time ---- */
FAIL(int, socketpair, (int domain, int type, int protocol, int *pair), (domain, type, protocol, pair), -1)
FAIL(ssize_t, sendmsg, (int fd, const struct msghdr *msg, int flags), (fd, msg, flags), -1)
FAIL(ssize_t, recvmsg, (int fd, struct msghdr *msg, int flags), (fd, msg, flags), -1)
FAIL(ssize_t, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags), -1)
FAIL(ssize_t, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags), -1)
FAIL(int, poll, (struct pollfd *p, nfds_t n, int timeout), (p, n, timeout), -1)
FAIL(pid_t, fork, (void), (), -1)
FAIL(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options), -1)
FAIL(int, clock_gettime, (clockid_t clock, struct timespec *ts), (clock, ts), -1)

FAIL(int, dup2, (int from, int to), (from, to), -1)
FAIL(int, close_range, (unsigned from, unsigned to, int flags), (from, to, flags), -1)
FAIL(int, prctl, (int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d), (op, a, b, c, d), -1)
FAIL(long, syscall, (long call, long a, long b, long c, long d, long e, long f), (call, a, b, c, d, e, f), -1)
FAIL(scmp_filter_ctx, seccomp_init, (uint32_t action), (action), NULL)
FAIL(int, seccomp_attr_set, (scmp_filter_ctx f, enum scmp_filter_attr attr, uint32_t value), (f, attr, value), -EPERM)
FAIL(int, seccomp_rule_add_array, (scmp_filter_ctx f, uint32_t action, int call, unsigned n, const struct scmp_arg_cmp *args), (f, action, call, n, args), -EPERM)
FAIL(int, seccomp_load, (const scmp_filter_ctx f), (f), -EPERM)

/* ---- databases: base/db.h as seen from all others ---- */
#define DB_FAILED err_set(RC_IO, "the database failed at will")
FAIL(enum rc, db_begin, (struct db *db), (db), DB_FAILED)
FAIL(enum rc, db_commit, (struct db *db), (db), DB_FAILED)
FAIL(enum rc, db_prepare, (struct db *db, const char *sql, sqlite3_stmt **ret), (db, sql, ret), DB_FAILED)
FAIL(enum rc, db_step, (struct db *db, sqlite3_stmt *st, bool *ret), (db, st, ret), DB_FAILED)
FAIL(enum rc, db_done, (struct db *db, sqlite3_stmt *st), (db, st), DB_FAILED)

/* ---- jansson ---- */
FAIL(char *, json_dumps, (const json_t *json, size_t flags), (json, flags), NULL)
FAIL(json_t *, json_stringn, (const char *text, size_t n), (text, n), NULL)
FAIL(int, json_array_append_new, (json_t *list, json_t *value), (list, value), -1)

/* ---- OpenSSL ---- */
FAIL(EVP_MD_CTX *, EVP_MD_CTX_new, (void), (), NULL)
FAIL(int, EVP_DigestInit_ex2, (EVP_MD_CTX *ctx, const EVP_MD *md, const OSSL_PARAM *p), (ctx, md, p), 0)
FAIL(int, EVP_DigestUpdate, (EVP_MD_CTX *ctx, const void *p, size_t n), (ctx, p, n), 0)
FAIL(int, EVP_DigestVerifyUpdate, (EVP_MD_CTX *ctx, const void *p, size_t n), (ctx, p, n), 0)
FAIL(int, EVP_DigestVerifyFinal, (EVP_MD_CTX *ctx, const unsigned char *p, size_t n), (ctx, p, n), -1)
FAIL(int, EVP_DigestFinal_ex, (EVP_MD_CTX *ctx, unsigned char *to, unsigned *n), (ctx, to, n), 0)
FAIL(EVP_PKEY_CTX *, EVP_PKEY_CTX_new, (EVP_PKEY *key, ENGINE *e), (key, e), NULL)
FAIL(EVP_PKEY_CTX *, EVP_PKEY_CTX_new_from_name, (OSSL_LIB_CTX *lib, const char *name, const char *query), (lib, name, query), NULL)
FAIL(EVP_PKEY_CTX *, EVP_PKEY_CTX_new_from_pkey, (OSSL_LIB_CTX *lib, EVP_PKEY *key, const char *query), (lib, key, query), NULL)
FAIL(int, EVP_PKEY_fromdata_init, (EVP_PKEY_CTX *ctx), (ctx), 0)
FAIL(int, EVP_PKEY_fromdata, (EVP_PKEY_CTX *ctx, EVP_PKEY **key, int what, OSSL_PARAM *p), (ctx, key, what, p), 0)
FAIL(int, EVP_PKEY_public_check, (EVP_PKEY_CTX *ctx), (ctx), 0)
FAIL(int, EVP_PKEY_verify, (EVP_PKEY_CTX *ctx, const unsigned char *sig, size_t sig_n, const unsigned char *tbs, size_t n), (ctx, sig, sig_n, tbs, n), -1)
FAIL(int, EVP_DigestVerifyInit_ex, (EVP_MD_CTX *ctx, EVP_PKEY_CTX **key_ctx, const char *md, OSSL_LIB_CTX *lib, const char *query, EVP_PKEY *key, const OSSL_PARAM *p), (ctx, key_ctx, md, lib, query, key, p), 0)
FAIL(int, EVP_DigestVerify, (EVP_MD_CTX *ctx, const unsigned char *sig, size_t sig_n, const unsigned char *tbs, size_t n), (ctx, sig, sig_n, tbs, n), -1)
FAIL(int, EVP_PKEY_verify_init, (EVP_PKEY_CTX *ctx), (ctx), 0)
FAIL(int, EVP_PKEY_CTX_set_signature_md, (EVP_PKEY_CTX *ctx, const EVP_MD *md), (ctx, md), 0)
FAIL(int, EVP_PKEY_CTX_set_rsa_padding, (EVP_PKEY_CTX *ctx, int padding), (ctx, padding), 0)
FAIL(OSSL_PARAM_BLD *, OSSL_PARAM_BLD_new, (void), (), NULL)
FAIL(int, OSSL_PARAM_BLD_push_BN, (OSSL_PARAM_BLD *b, const char *key, const BIGNUM *n), (b, key, n), 0)
FAIL(OSSL_PARAM *, OSSL_PARAM_BLD_to_param, (OSSL_PARAM_BLD *b), (b), NULL)
FAIL(BIGNUM *, BN_bin2bn, (const unsigned char *p, int n, BIGNUM *to), (p, n, to), NULL)
FAIL(BN_CTX *, BN_CTX_new, (void), (), NULL)
FAIL(ECDSA_SIG *, ECDSA_SIG_new, (void), (), NULL)
FAIL(int, i2d_ECDSA_SIG, (const ECDSA_SIG *sig, unsigned char **to), (sig, to), -1)
FAIL(int, i2d_PUBKEY, (const EVP_PKEY *key, unsigned char **to), (key, to), -1)
FAIL(int, i2d_X509_PUBKEY, (const X509_PUBKEY *key, unsigned char **to), (key, to), -1)
FAIL(int, i2d_X509_NAME, (const X509_NAME *name, unsigned char **to), (name, to), -1)
FAIL(int, i2d_GENERAL_NAMES, (const GENERAL_NAMES *names, unsigned char **to), (names, to), -1)
FAIL(BIO *, BIO_new, (const BIO_METHOD *type), (type), NULL)
FAIL(int, X509_NAME_print_ex, (BIO *out, const X509_NAME *name, int indent, unsigned long flags), (out, name, indent, flags), -1)
FAIL(X509_NAME *, X509_NAME_new, (void), (), NULL)
FAIL(ASN1_OBJECT *, OBJ_txt2obj, (const char *text, int no_name), (text, no_name), NULL)
FAIL(ASN1_OCTET_STRING *, ASN1_OCTET_STRING_new, (void), (), NULL)
FAIL(int, ASN1_OCTET_STRING_set, (ASN1_OCTET_STRING *s, const unsigned char *p, int n), (s, p, n), 0)
FAIL(int, RAND_bytes, (unsigned char *to, int n), (to, n), 0)
/* clang-format on */

/* Linux closes even when it says that it could not. */
int __real_close(int fd);
int __wrap_close(int fd);
int
__wrap_close(int fd)
{
	int closed = __real_close(fd);

	return fails_now("close") ? -1 : closed;
}

/* BN_CTX_start(3): once it has failed, so does each later call; callers look at
 * the last alone. */
BIGNUM *__real_BN_CTX_get(BN_CTX *ctx);
BIGNUM *__wrap_BN_CTX_get(BN_CTX *ctx);
BIGNUM *
__wrap_BN_CTX_get(BN_CTX *ctx)
{
	if (fail.spent == ctx && ctx != NULL)
		return NULL;
	if (!fails_now("BN_CTX_get"))
		return __real_BN_CTX_get(ctx);
	fail.spent = ctx;
	return NULL;
}
