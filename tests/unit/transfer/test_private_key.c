/* SPDX-License-Identifier: Apache-2.0 */
/* Each form of a private key is told, and nothing else is one. */
#include "transfer/x509/private_key.h"

#include "base/own_ssl.h"
#include "tests/lib/vector.h"
#include "transfer/x509/csr.h"

#include <dirent.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>

static void
take(BIO *bio, struct buf *ret)
{
	char *text = NULL;
	long n = BIO_get_mem_data(bio, &text);

	assert_true(n > 0);
	buf_reset(ret);
	check_ok(buf_add(ret, text, (size_t)n));
	BIO_free(bio);
}

/* A key in one of its forms. */
enum key_dress { PKCS8, PKCS8_PEM, LOCKED, LOCKED_PEM, OLD, OLD_PEM, PFX };

static void
key_write(EVP_PKEY *key, enum key_dress dress, struct buf *ret)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const EVP_CIPHER *aes = EVP_aes_256_cbc();
	PKCS12 *pfx = NULL;
	int done = 0;

	switch (dress) {
	case PKCS8:
		done = i2d_PKCS8PrivateKey_bio(
		    bio, key, NULL, NULL, 0, NULL, NULL);
		break;
	case PKCS8_PEM:
		done = PEM_write_bio_PKCS8PrivateKey(
		    bio, key, NULL, NULL, 0, NULL, NULL);
		break;
	case LOCKED:
		done = i2d_PKCS8PrivateKey_bio(
		    bio, key, aes, "secret", 6, NULL, NULL);
		break;
	case LOCKED_PEM:
		done = PEM_write_bio_PKCS8PrivateKey(
		    bio, key, aes, "secret", 6, NULL, NULL);
		break;
	case OLD:
		done = i2d_PrivateKey_bio(bio, key);
		break;
	case OLD_PEM:
		done = PEM_write_bio_PrivateKey_traditional(
		    bio, key, NULL, NULL, 0, NULL, NULL);
		break;
	case PFX:
		pfx = PKCS12_create(
		    "secret", "a", key, NULL, NULL, 0, 0, 0, 0, 0);
		done = i2d_PKCS12_bio(bio, pfx);
		PKCS12_free(pfx);
		break;
	}
	assert_int_equal(done, 1);
	take(bio, ret);
}

static void
is_told(struct span file, const char *what)
{
	WIPED(buf) der = { 0 };
	char sentence[128];

	(void)snprintf(sentence, sizeof(sentence),
	    "f: %s; wanted requests, and no secret ever", what);
	check_refused(private_key_check("f", file), "PRIVATE-KEY", sentence);
	check_refused(csr_from_file("f", file, &der), "PRIVATE-KEY", sentence);
	assert_int_equal(der.n, 0);
}

static void
each_form_of_each_key_is_told(void **state)
{
#define ED_OLD "a PKCS#8 private key" /* it has no older form */
	EVP_PKEY *const keys[] = { EVP_EC_gen("P-256"), EVP_RSA_gen(2048),
		EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") };
	static const char *const old[] = { "an EC private key (SEC 1)",
		"an RSA private key (PKCS#1)", ED_OLD };
	static const char *const locked = "an encrypted PKCS#8 private key";
	WIPED(buf) file = { 0 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		key_write(keys[i], PKCS8, &file);
		is_told(buf_span(&file), "a PKCS#8 private key");
		if (i == 2)
			assert_int_equal(file.n, 48);
		check_ok(buf_add_str(&file, "\n")); /* and something behind */
		is_told(buf_span(&file), "a PKCS#8 private key");
		key_write(keys[i], PKCS8_PEM, &file);
		is_told(buf_span(&file), "a PKCS#8 private key");
		key_write(keys[i], LOCKED, &file);
		is_told(buf_span(&file), locked);
		key_write(keys[i], LOCKED_PEM, &file);
		is_told(buf_span(&file), locked);
		key_write(keys[i], PFX, &file);
		is_told(buf_span(&file), "a PKCS#12 file");
		key_write(keys[i], OLD, &file);
		is_told(buf_span(&file), old[i]);
		if (i != 2) {
			key_write(keys[i], OLD_PEM, &file);
			is_told(buf_span(&file), old[i]);
		}
		EVP_PKEY_free(keys[i]);
	}
}

/* Behind a CSR, behind words, in UTF-16, below a label that lies, and as others
 * write them. */
static void
a_key_is_told_wherever_it_stands(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	WIPED(buf) pem = { 0 }, csr = { 0 }, wide = { 0 }, lie = { 0 };
	static const char ssh2[] =
	    "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56wAAAi4=\n";
	static const char pgp[] = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n";
	static const char putty[] = "PuTTY-User-Key-File-3: ssh-ed25519\r\n";
	static const char openssh[] =
	    "Note\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNza";
	/* as NSS and Windows write it: lengths that end by a mark */
	static const uint8_t pfx[] = { 0x30, 0x80, 0x02, 0x01, 0x03, 0x30, 0x80,
		0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07,
		0x01, 0xa0, 0x80, 0x24, 0x80 };
	static const uint8_t jks[] = { 0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2 };

	(void)state;
	key_write(key, PKCS8_PEM, &pem);
	vector_read("csr", "good.pem", &csr);
	check_ok(buf_add_span(&csr, buf_span(&pem)));
	is_told(buf_span(&csr), "a PKCS#8 private key");
	check_ok(buf_add(&wide, "\xff\xfe", 2));
	for (size_t i = 0; i < pem.n; i++)
		check_ok(buf_add(&wide, (uint8_t[]){ pem.p[i], 0 }, 2));
	is_told(buf_span(&wide), "a PKCS#8 private key");
	for (const char *line = strchr(buf_cstr(&pem), '\n'); line != NULL;
	     line = NULL) {
		check_ok(
		    buf_add_str(&lie, "-----BEGIN CERTIFICATE REQUEST-----"));
		check_ok(buf_add_str(&lie, line));
	}
	is_told(buf_span(&lie), "a PKCS#8 private key");
	is_told(span_str(ssh2), "a private key");
	is_told(span_str(pgp), "a PGP private key");
	is_told(span_str(putty), "a PuTTY private key");
	is_told(span_str(openssh), "an OpenSSH private key");
	is_told(span_of(pfx, sizeof(pfx)), "a PKCS#12 file");
	is_told(span_of(jks, sizeof(jks)), "a Java key store");
	EVP_PKEY_free(key);
}

static void
none_in(const char *dir)
{
	char path[64];
	struct dirent *entry;
	DIR *all;

	(void)snprintf(path, sizeof(path), "tests/vectors/%s", dir);
	all = opendir(path);
	assert_non_null(all);
	while ((entry = readdir(all)) != NULL) {
		WIPED(buf) file = { 0 };

		if (entry->d_type != DT_REG)
			continue;
		vector_read(dir, entry->d_name, &file);
		check_ok(private_key_check(entry->d_name, buf_span(&file)));
	}
	(void)closedir(all);
}

/* Requests, public keys, cards, certificates, this source, and any beginning of
 * a request. */
static void
nothing_else_is_one(void **state)
{
	WIPED(buf) der = { 0 };

	(void)state;
	none_in("csr");
	none_in("csr/real");
	none_in("key");
	none_in("format");
	vector_read("csr", "good.der", &der);
	for (size_t n = 0; n <= der.n; n++)
		check_ok(private_key_check("f", span_of(der.p, n)));
	check_ok(private_key_check("f", span_str("no PRIVATE KEY here\n")));
	check_ok(private_key_check(
	    "f", span_str("-----BEGIN PUBLIC KEY-----\nMA==\n")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_of_each_key_is_told),
		cmocka_unit_test(a_key_is_told_wherever_it_stands),
		cmocka_unit_test(nothing_else_is_one),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
