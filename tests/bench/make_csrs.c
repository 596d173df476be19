/* SPDX-License-Identifier: Apache-2.0 */
/* make_csrs DIR FIRST LAST: CSR files hFIRST.csr to hLAST.csr in DIR, each for
 * one host below example.org and with a P-256 key of its own, as fast as
 * OpenSSL makes them: `openssl req` a hundred thousand times takes an hour. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
fail(const char *what)
{
	(void)fprintf(stderr, "make_csrs: %s\n", what);
	exit(1);
}

static void
add_san(X509_REQ *req, const char *name)
{
	STACK_OF(X509_EXTENSION) *list = NULL;
	X509_EXTENSION *san;
	char value[96];

	(void)snprintf(value, sizeof(value), "DNS:%s", name);
	san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, value);
	if (san == NULL || X509v3_add_ext(&list, san, -1) == NULL ||
	    X509_REQ_add_extensions(req, list) != 1)
		fail("no subjectAltName");
	X509_EXTENSION_free(san);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

static void
write_request(int dir, unsigned long i)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_REQ *req = X509_REQ_new();
	char name[64], file[64];
	X509_NAME *subject;
	FILE *out;
	int fd;

	(void)snprintf(name, sizeof(name), "h%lu.example.org", i);
	(void)snprintf(file, sizeof(file), "h%lu.csr", i);
	if (key == NULL || req == NULL)
		fail("no key");
	subject = X509_REQ_get_subject_name(req);
	if (X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
		(const unsigned char *)name, -1, -1, 0) != 1 ||
	    X509_REQ_set_pubkey(req, key) != 1)
		fail("no request");
	add_san(req, name);
	if (X509_REQ_sign(req, key, EVP_sha256()) <= 0)
		fail("no signature");
	fd = openat(dir, file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (out == NULL || PEM_write_X509_REQ(out, req) != 1 ||
	    fclose(out) != 0)
		fail("cannot write");
	X509_REQ_free(req);
	EVP_PKEY_free(key);
}

int
main(int argc, char **argv)
{
	unsigned long first, last;
	int dir;

	if (argc != 4)
		fail("wants DIR FIRST LAST");
	dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		fail("no such directory");
	first = strtoul(argv[2], NULL, 10);
	last = strtoul(argv[3], NULL, 10);
	for (unsigned long i = first; i <= last; i++)
		write_request(dir, i);
	(void)close(dir);
	return 0;
}
