/* SPDX-License-Identifier: Apache-2.0 */
/* limit MODULE TOKEN KEY CA-PEM CSR-DIR FIRST LAST, the PIN in $PIN: what
 * nobody can do without, in one thread and one process. Per certificate, for
 * signing: verify the CSR, one C_Sign over the shortest TBSCertificate, and
 * nothing is checked, recorded or written; for installing: one verification.
 * Prints both, wall and CPU seconds. The numbers of airgap-ca are ratios to
 * these.
 */
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <p11-kit/pkcs11.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define POINT 65     /* an uncompressed point of P-256 */
#define BODY_MAX 400 /* of a TBS without its header */

struct bytes {
	unsigned char *p;
	size_t n;
};

/* The token, its key, and the CA's public half. */
struct ca {
	CK_FUNCTION_LIST *f;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
	EVP_PKEY *public;
	EVP_PKEY_CTX *verify;
	int rsa;
};

static void
must(int good, const char *what)
{
	if (good)
		return;
	(void)fprintf(stderr, "limit: %s\n", what);
	exit(1);
}

static double
wall(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
cpu(void)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* One TLV of DER; nothing is checked that would not crash. */
static struct bytes
take(struct bytes *in, struct bytes *ret_whole)
{
	size_t head = 2, n = in->n < 2 ? 0 : in->p[1];
	struct bytes content;

	if (n >= 0x80) {
		size_t count = n & 0x7f;

		must(count <= 2 && in->n > 2 + count, "not DER");
		for (n = 0; head < 2 + count; head++)
			n = n << 8 | in->p[head];
	}
	must(head + n <= in->n, "not DER");
	content = (struct bytes){ in->p + head, n };
	*ret_whole = (struct bytes){ in->p, head + n };
	in->p += head + n;
	in->n -= head + n;
	return content;
}

static size_t
put_header(unsigned char *to, unsigned char tag, size_t n)
{
	to[0] = tag;
	to[1] = 0x82;
	to[2] = (unsigned char)(n >> 8);
	to[3] = (unsigned char)n;
	return 4;
}

/* ---- set-up: not timed --------------------------------------------------- */

static void
open_token(struct ca *ca, char **argv)
{
	void *module = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList list = NULL;
	CK_SLOT_ID slots[16];
	CK_ULONG n = 16;
	char *pin = getenv("PIN");

	must(module != NULL && pin != NULL, "no module, or no PIN");
	*(void **)&list = dlsym(module, "C_GetFunctionList");
	must(list != NULL && list(&ca->f) == CKR_OK, "no function list");
	must(ca->f->C_Initialize(NULL) == CKR_OK, "C_Initialize");
	must(ca->f->C_GetSlotList(CK_TRUE, slots, &n) == CKR_OK, "no slots");
	for (CK_ULONG i = 0; i < n; i++) {
		CK_TOKEN_INFO info;
		size_t len = strlen(argv[2]);

		if (ca->f->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
		    memcmp(info.label, argv[2], len) != 0)
			continue;
		must(ca->f->C_OpenSession(slots[i], CKF_SERIAL_SESSION, NULL,
			 NULL, &ca->session) == CKR_OK,
		    "C_OpenSession");
		must(ca->f->C_Login(ca->session, CKU_USER, (unsigned char *)pin,
			 strlen(pin)) == CKR_OK,
		    "C_Login");
		return;
	}
	must(0, "no such token");
}

static void
find_key(struct ca *ca, char *label)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &class, sizeof(class) },
		{ CKA_LABEL, label, strlen(label) } };
	CK_ULONG n = 0;

	must(ca->f->C_FindObjectsInit(ca->session, wanted, 2) == CKR_OK &&
		 ca->f->C_FindObjects(ca->session, &ca->key, 1, &n) == CKR_OK &&
		 ca->f->C_FindObjectsFinal(ca->session) == CKR_OK && n == 1,
	    "no such key");
}

static void
open_ca(struct ca *ca, const char *path)
{
	FILE *in = fopen(path, "r");
	X509 *cert = in == NULL ? NULL : PEM_read_X509(in, NULL, NULL, NULL);

	must(cert != NULL, "no CA certificate");
	(void)fclose(in);
	ca->public = X509_get_pubkey(cert);
	X509_free(cert);
	must(ca->public != NULL, "no CA key");
	ca->rsa = EVP_PKEY_is_a(ca->public, "RSA");
	ca->verify = EVP_PKEY_CTX_new_from_pkey(NULL, ca->public, NULL);
	must(ca->verify != NULL && EVP_PKEY_verify_init(ca->verify) == 1,
	    "no verification");
	if (ca->rsa)
		must(EVP_PKEY_CTX_set_rsa_padding(
			 ca->verify, RSA_PKCS1_PADDING) == 1 &&
			 EVP_PKEY_CTX_set_signature_md(
			     ca->verify, EVP_sha256()) == 1,
		    "no RSA");
}

static struct bytes
read_csr(const char *dir, unsigned long i)
{
	struct bytes csr = { NULL, 0 };
	char path[4096];
	long n = 0;
	BIO *in;

	(void)snprintf(path, sizeof(path), "%s/h%lu.csr", dir, i);
	in = BIO_new_file(path, "r");
	must(in != NULL && PEM_bytes_read_bio(&csr.p, &n, NULL,
			       PEM_STRING_X509_REQ, in, NULL, NULL) == 1,
	    path);
	csr.n = (size_t)n;
	BIO_free(in);
	return csr;
}

/* ---- one certificate ----------------------------------------------------- */

/* As section 10 of the design has it: a point set in one key that is kept. */
static struct bytes
check_csr(struct bytes csr, EVP_PKEY *key, EVP_MD_CTX *md)
{
	struct bytes whole, info, rest = take(&csr, &whole), body, spki, bits;

	body = take(&rest, &info);
	(void)take(&rest, &whole);
	bits = take(&rest, &whole);
	(void)take(&body, &whole); /* version */
	(void)take(&body, &whole); /* subject */
	(void)take(&body, &spki);
	must(spki.n > POINT && bits.n > 1 &&
		 EVP_PKEY_set1_encoded_public_key(
		     key, spki.p + spki.n - POINT, POINT) == 1 &&
		 EVP_DigestVerifyInit_ex(
		     md, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
		 EVP_DigestVerify(md, bits.p + 1, bits.n - 1, info.p, info.n) ==
		     1,
	    "a CSR does not verify");
	(void)EVP_MD_CTX_reset(md);
	return spki;
}

static const unsigned char ecdsa[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48,
	0xce, 0x3d, 0x04, 0x03, 0x02 };
static const unsigned char rsa[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48,
	0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00 };
static const unsigned char digest_info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09,
	0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04,
	0x20 };

/* Version, serial, algorithm, no issuer, dates, no subject, the key. */
static size_t
make_tbs(const struct ca *ca, struct bytes spki, unsigned char *tbs)
{
	static const unsigned char head[] = { 0xa0, 3, 2, 1, 2, 2, 16 };
	static const unsigned char dates[] = { 0x30, 0, 0x30, 30, 0x17, 13, '2',
		'6', '0', '1', '0', '1', '0', '0', '0', '0', '0', '0', 'Z',
		0x17, 13, '2', '6', '0', '2', '0', '1', '0', '0', '0', '0', '0',
		'0', 'Z', 0x30, 0 };
	unsigned char body[BODY_MAX];
	size_t n = sizeof(head), at;

	must(spki.n < 200, "a larger key than P-256");
	memcpy(body, head, sizeof(head));
	must(RAND_bytes(body + n, 16) == 1, "no serial");
	body[n] &= 0x7f;
	n += 16;
	memcpy(body + n, ca->rsa ? rsa : ecdsa,
	    ca->rsa ? sizeof(rsa) : sizeof(ecdsa));
	n += ca->rsa ? sizeof(rsa) : sizeof(ecdsa);
	memcpy(body + n, dates, sizeof(dates));
	n += sizeof(dates);
	memcpy(body + n, spki.p, spki.n);
	n += spki.n;
	at = put_header(tbs, 0x30, n);
	memcpy(tbs + at, body, n);
	return at + n;
}

static size_t
sign_digest(const struct ca *ca, const unsigned char *hash, unsigned char *sig)
{
	CK_MECHANISM how = { ca->rsa ? CKM_RSA_PKCS : CKM_ECDSA, NULL, 0 };
	unsigned char input[sizeof(digest_info) + 32];
	CK_ULONG n = 1024, skip = ca->rsa ? 0 : sizeof(digest_info);

	memcpy(input, digest_info, sizeof(digest_info));
	memcpy(input + sizeof(digest_info), hash, 32);
	must(ca->f->C_SignInit(ca->session, &how, ca->key) == CKR_OK &&
		 ca->f->C_Sign(ca->session, input + skip, sizeof(input) - skip,
		     sig, &n) == CKR_OK,
	    "C_Sign");
	return n;
}

/* r and s as a DER sequence. */
static size_t
to_der(unsigned char *sig, size_t n)
{
	ECDSA_SIG *s = ECDSA_SIG_new();
	unsigned char *to = sig;
	int len;

	must(s != NULL && ECDSA_SIG_set0(s, BN_bin2bn(sig, (int)n / 2, NULL),
			      BN_bin2bn(sig + n / 2, (int)n / 2, NULL)) == 1,
	    "no ECDSA signature");
	len = i2d_ECDSA_SIG(s, &to);
	must(len > 0, "no ECDSA signature");
	ECDSA_SIG_free(s);
	return (size_t)len;
}

/* What stays of it: the TBS, and the signature behind. */
struct made {
	size_t tbs, sig;
	unsigned char *p;
};

static struct made
make_one(const struct ca *ca, struct bytes spki, EVP_MD_CTX *md, EVP_MD *sha)
{
	unsigned char tbs[BODY_MAX + 8], sig[1024], hash[32];
	struct made made = { 0, 0, NULL };

	made.tbs = make_tbs(ca, spki, tbs);
	must(EVP_DigestInit_ex2(md, sha, NULL) == 1 &&
		 EVP_DigestUpdate(md, tbs, made.tbs) == 1 &&
		 EVP_DigestFinal_ex(md, hash, NULL) == 1,
	    "no digest");
	made.sig = sign_digest(ca, hash, sig);
	if (!ca->rsa)
		made.sig = to_der(sig, made.sig);
	made.p = malloc(made.tbs + made.sig);
	must(made.p != NULL, "no memory");
	memcpy(made.p, tbs, made.tbs);
	memcpy(made.p + made.tbs, sig, made.sig);
	return made;
}

static void
check_one(
    const struct ca *ca, const struct made *made, EVP_MD_CTX *md, EVP_MD *sha)
{
	unsigned char hash[32];

	must(EVP_DigestInit_ex2(md, sha, NULL) == 1 &&
		 EVP_DigestUpdate(md, made->p, made->tbs) == 1 &&
		 EVP_DigestFinal_ex(md, hash, NULL) == 1 &&
		 EVP_PKEY_verify(ca->verify, made->p + made->tbs, made->sig,
		     hash, sizeof(hash)) == 1,
	    "a certificate does not verify");
}

int
main(int argc, char **argv)
{
	EVP_MD *sha = EVP_MD_fetch(NULL, "SHA256", NULL);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct ca ca = { 0 };
	struct bytes *csrs;
	struct made *made;
	unsigned long first, n;
	double w, c;

	must(argc == 8, "wants MODULE TOKEN KEY CA-PEM CSR-DIR FIRST LAST");
	first = strtoul(argv[6], NULL, 10);
	n = strtoul(argv[7], NULL, 10) - first + 1;
	csrs = calloc(n, sizeof(*csrs));
	made = calloc(n, sizeof(*made));
	must(sha != NULL && md != NULL && key != NULL && csrs != NULL &&
		 made != NULL,
	    "no memory");
	open_token(&ca, argv);
	find_key(&ca, argv[3]);
	open_ca(&ca, argv[4]);
	for (unsigned long i = 0; i < n; i++)
		csrs[i] = read_csr(argv[5], first + i);

	w = wall();
	c = cpu();
	for (unsigned long i = 0; i < n; i++) {
		struct bytes spki = check_csr(csrs[i], key, md);

		made[i] = make_one(&ca, spki, md, sha);
	}
	(void)printf("%.6f %.6f\n", wall() - w, cpu() - c);
	w = wall();
	c = cpu();
	for (unsigned long i = 0; i < n; i++)
		check_one(&ca, &made[i], md, sha);
	(void)printf("%.6f %.6f\n", wall() - w, cpu() - c);
	return 0;
}
