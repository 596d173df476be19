/* SPDX-License-Identifier: Apache-2.0 */
/* Requests in, checked: the files of tests/vectors/csr, and bytes turned over.
 */
#include "transfer/x509/csr.h"

#include "base/own_ssl.h"
#include "tests/lib/fail.h"
#include "tests/lib/vector.h"
#include "transfer/x509/der.h"
#include "transfer/x509/der_out.h"

#include <dirent.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>

/* Everything of the directory that does not begin with "good". */
/* clang-format off */
static const struct refused {
	const char *file, *rule, *sentence;
} refused[] = {
	{ "ask-any-eku.der", "CSR-EKU",
	      "ask-any-eku.der: asks for the extended key usage "
	      "anyExtendedKeyUsage" },
	{ "ask-ca-uncritical.der", "CSR-CA",
	      "ask-ca-uncritical.der: asks for CA:TRUE" },
	{ "ask-ca.der", "CSR-CA",
	      "ask-ca.der: asks for CA:TRUE" },
	{ "ask-cert-sign.der", "CSR-KEY-USAGE",
	      "ask-cert-sign.der: asks for the key usage keyCertSign" },
	{ "ask-code-signing.der", "CSR-EKU",
	      "ask-code-signing.der: asks for the extended key usage "
	      "codeSigning" },
	{ "ask-critical-name-constraints.der", "CSR-EXTENSION",
	      "ask-critical-name-constraints.der: asks for the critical "
	      "extension 2.5.29.30" },
	{ "ask-critical-policy.der", "CSR-EXTENSION",
	      "ask-critical-policy.der: asks for the critical extension "
	      "2.5.29.32" },
	{ "ask-critical-ski.der", "CSR-EXTENSION",
	      "ask-critical-ski.der: asks for the critical extension "
	      "2.5.29.14" },
	{ "ask-critical-unknown.der", "CSR-EXTENSION",
	      "ask-critical-unknown.der: asks for the critical extension "
	      "1.2.3.4" },
	{ "ask-crl-sign.der", "CSR-KEY-USAGE",
	      "ask-crl-sign.der: asks for the key usage cRLSign" },
	{ "ask-path-len.der", "CSR-CA",
	      "ask-path-len.der: asks for a path length" },
	{ "ask-transfer-eku.der", "CSR-EKU",
	      "ask-transfer-eku.der: asks for the extended key usage "
	      "airgapTransfer" },
	{ "attribute-twice.der", "CSR-ATTRIBUTE",
	      "attribute-twice.der: asks for extensions twice; wanted one "
	      "extensionRequest that has the names" },
	{ "attribute-two-lists.der", "CSR-ATTRIBUTE",
	      "attribute-two-lists.der: asks for extensions twice; wanted "
	      "one extensionRequest that has the names" },
	{ "form-boolean.der", "CSR-FORM",
	      "form-boolean.der: a BOOLEAN that is neither 00 nor FF" },
	{ "form-cn-utf8.der", "CSR-TEXT",
	      "form-cn-utf8.der: the common name is no text, or has "
	      "control characters" },
	{ "form-cut.der", "CSR-FORM",
	      "form-cut.der: not a PKCS#10 request (RFC 2986)" },
	{ "form-empty-rdn.der", "CSR-FORM",
	      "form-empty-rdn.der: a subject of no known form" },
	{ "form-extension-twice.der", "CSR-FORM",
	      "form-extension-twice.der: asks for a subjectAltName twice" },
	{ "form-indefinite.der", "CSR-FORM",
	      "form-indefinite.der: not a PKCS#10 request (RFC 2986)" },
	{ "form-ku-empty.der", "CSR-FORM",
	      "form-ku-empty.der: keyUsage of no known form" },
	{ "form-long-length.der", "CSR-FORM",
	      "form-long-length.der: not a PKCS#10 request (RFC 2986)" },
	{ "form-san-empty.der", "NAME-FORM",
	      "form-san-empty.der: a subjectAltName that is empty or no "
	      "SEQUENCE" },
	{ "form-trailing.der", "CSR-FORM",
	      "form-trailing.der: 1 bytes behind the request" },
	{ "form-two.der", "CSR-FORM",
	      "form-two.der: a second request; wanted one to a file" },
	{ "form-version-3.der", "CSR-FORM",
	      "form-version-3.der: a request whose version is the number 3; "
	      "wanted 0 (RFC 2986), or at most 2" },
	{ "key-dsa.der", "KEY-TYPE",
	      "key-dsa.der: a key of type DSA; wanted P-256, P-384, P-521, "
	      "Ed25519 or RSA" },
	{ "key-ec-compressed.der", "KEY-EC-POINT",
	      "key-ec-compressed.der: P-256 key: a compressed point in "
	      "33 bytes; wanted 65 beginning 04" },
	{ "key-ec-explicit.der", "KEY-EC-PARAMS",
	      "key-ec-explicit.der: an EC key with an explicit curve; "
	      "wanted the name of a curve" },
	{ "key-ec-hybrid.der", "KEY-EC-POINT",
	      "key-ec-hybrid.der: P-256 key: a hybrid point in 65 bytes; "
	      "wanted 65 beginning 04" },
	{ "key-ec-infinity.der", "KEY-EC-POINT",
	      "key-ec-infinity.der: P-256 key: the point at infinity in "
	      "1 bytes; wanted 65 beginning 04" },
	{ "key-ec-off-curve.der", "KEY-EC-POINT",
	      "key-ec-off-curve.der: the point is not on P-256" },
	{ "key-ec-p224.der", "KEY-TYPE",
	      "key-ec-p224.der: an EC key on the curve 1.3.132.0.33; "
	      "wanted P-256, P-384 or P-521" },
	{ "key-ec-secp256k1.der", "KEY-TYPE",
	      "key-ec-secp256k1.der: an EC key on the curve "
	      "1.3.132.0.10; wanted P-256, P-384 or P-521" },
	{ "key-ec-short.der", "KEY-EC-POINT",
	      "key-ec-short.der: P-256 key: no point in 64 bytes; wanted "
	      "65 beginning 04" },
	{ "key-ed25519-small-order.der", "KEY-ED25519-POINT",
	      "key-ed25519-small-order.der: the Ed25519 point has a "
	      "small order" },
	{ "key-ed448.der", "KEY-TYPE",
	      "key-ed448.der: a key of type Ed448; wanted P-256, P-384, "
	      "P-521, Ed25519 or RSA" },
	{ "key-rsa-1024.der", "KEY-RSA-SIZE",
	      "key-rsa-1024.der: an RSA key of 1024 bits; wanted 2048 to "
	      "8192, a multiple of 8" },
	{ "key-rsa-2049.der", "KEY-RSA-SIZE",
	      "key-rsa-2049.der: an RSA key of 2049 bits; wanted 2048 to "
	      "8192, a multiple of 8" },
	{ "key-rsa-e-65-bits.der", "KEY-RSA-EXPONENT",
	      "key-rsa-e-65-bits.der: an RSA exponent of 65 bits; wanted "
	      "at most 64" },
	{ "key-rsa-e-even.der", "KEY-RSA-EXPONENT",
	      "key-rsa-e-even.der: the RSA exponent is 65538; wanted an "
	      "odd one of at least 65537" },
	{ "key-rsa-e1.der", "KEY-RSA-EXPONENT",
	      "key-rsa-e1.der: the RSA exponent is 1; wanted an odd one "
	      "of at least 65537" },
	{ "key-rsa-e3.der", "KEY-RSA-EXPONENT",
	      "key-rsa-e3.der: the RSA exponent is 3; wanted an odd one "
	      "of at least 65537" },
	{ "name-101.der", "NAMES-COUNT",
	      "name-101.der: over 100 names" },
	{ "name-directory.der", "NAME-TYPE",
	      "name-directory.der: a subjectAltName of form [4]; wanted "
	      "dns, srv, xmpp, ip, email or uri" },
	{ "name-ip-5.der", "NAME-FORM",
	      "name-ip-5.der: an iPAddress of 5 bytes; wanted 4 or 16" },
	{ "name-jid-ia5.der", "NAME-TYPE",
	      "name-jid-ia5.der: an XmppAddr that is no UTF8String" },
	{ "name-nul.der", "NAME-FORM",
	      "name-nul.der: name dns:www.example.org<NUL>.evil.test: a character that "
	      "no host name has" },
	{ "name-other.der", "NAME-TYPE",
	      "name-other.der: an otherName of type 1.2.3.4; wanted an "
	      "SRVName or an XmppAddr" },
	{ "name-registered-id.der", "NAME-TYPE",
	      "name-registered-id.der: a subjectAltName of form [8]; "
	      "wanted dns, srv, xmpp, ip, email or uri" },
	{ "name-space.der", "NAME-FORM",
	      "name-space.der: name dns: : a character that no host name "
	      "has" },
	{ "name-srv-tcp.der", "NAME-FORM",
	      "name-srv-tcp.der: name srv:_xmpp-client._tcp.example.org: "
	      "a protocol label such as _tcp has no place in an SRV name" },
	{ "name-srv-utf8.der", "NAME-TYPE",
	      "name-srv-utf8.der: an SRVName that is no IA5String" },
	{ "name-u-label.der", "NAME-FORM",
	      "name-u-label.der: name dns:bücher.example.org: not "
	      "ASCII; wanted A-labels (xn--)" },
	{ "name-wildcard-inside.der", "NAME-WILDCARD",
	      "name-wildcard-inside.der: name dns:www.*.example.org: a "
	      "wildcard is allowed as the whole left-most label of a dns "
	      "name only" },
	{ "pop-changed.der", "CSR-POP",
	      "pop-changed.der: the signature does not verify under the "
	      "request's own key" },
	{ "sig-md5.der", "CSR-SIGNATURE-ALG",
	      "sig-md5.der: signed by MD5 with RSA; wanted RSA or ECDSA "
	      "with SHA-256, SHA-384 or SHA-512, or Ed25519" },
	{ "sig-misfit.der", "CSR-SIGNATURE-ALG",
	      "sig-misfit.der: the signature algorithm does not fit the "
	      "key, which is rsa-2048" },
	{ "sig-ecdsa-parameters.der", "CSR-SIGNATURE-ALG",
	      "sig-ecdsa-parameters.der: signed by 1.2.840.10045.4.3.2 with "
	      "parameters that do not belong there; wanted RSA or ECDSA "
	      "with SHA-256, SHA-384 or SHA-512, or Ed25519" },
	{ "sig-ed25519-null.der", "CSR-SIGNATURE-ALG",
	      "sig-ed25519-null.der: signed by 1.3.101.112 with "
	      "parameters that do not belong there; wanted RSA or ECDSA "
	      "with SHA-256, SHA-384 or SHA-512, or Ed25519" },
	{ "sig-rsa-parameters.der", "CSR-SIGNATURE-ALG",
	      "sig-rsa-parameters.der: signed by 1.2.840.113549.1.1.11 with "
	      "parameters that do not belong there; wanted RSA or ECDSA "
	      "with SHA-256, SHA-384 or SHA-512, or Ed25519" },
	{ "sig-sha1.der", "CSR-SIGNATURE-ALG",
	      "sig-sha1.der: signed by SHA-1 with RSA; wanted RSA or "
	      "ECDSA with SHA-256, SHA-384 or SHA-512, or Ed25519" },
	{ "sig-sha224.der", "CSR-SIGNATURE-ALG",
	      "sig-sha224.der: signed by SHA-224 with RSA; wanted RSA or "
	      "ECDSA with SHA-256, SHA-384 or SHA-512, or Ed25519" },
	{ "sig-unknown.der", "CSR-SIGNATURE-ALG",
	      "sig-unknown.der: signed by 1.2.3.4; wanted RSA or ECDSA "
	      "with SHA-256, SHA-384 or SHA-512, or Ed25519" },
	{ "text-cn-c1.der", "CSR-TEXT",
	      "text-cn-c1.der: the common name is no text, or has control "
	      "characters" },
	{ "text-cn-escape.der", "CSR-TEXT",
	      "text-cn-escape.der: the common name is no text, or has control "
	      "characters" },
	{ "text-cn-newline.der", "CSR-TEXT",
	      "text-cn-newline.der: the common name is no text, or has control "
	      "characters" },
	{ "text-cn-nul.der", "CSR-TEXT",
	      "text-cn-nul.der: the common name is no text, or has control "
	      "characters" },
	{ "text-cn-octets.der", "CSR-TEXT",
	      "text-cn-octets.der: the common name is no text, or has control "
	      "characters" },
	{ "form-base64.pem", "CSR-FORM",
	      "form-base64.pem: the PEM block is not Base64" },
	{ "form-certificate.pem", "CSR-FORM",
	      "form-certificate.pem: neither DER nor a PEM block "
	      "CERTIFICATE REQUEST" },
	{ "form-header.pem", "CSR-FORM",
	      "form-header.pem: the PEM block has no END CERTIFICATE "
	      "REQUEST" },
	{ "form-labels.pem", "CSR-FORM",
	      "form-labels.pem: the PEM block has no END CERTIFICATE "
	      "REQUEST" },
	{ "form-no-end.pem", "CSR-FORM",
	      "form-no-end.pem: the PEM block has no END CERTIFICATE "
	      "REQUEST" },
	{ "form-padding.pem", "CSR-FORM",
	      "form-padding.pem: the PEM block is not Base64" },
	{ "form-text-after.pem", "CSR-FORM",
	      "form-text-after.pem: 2 bytes behind the PEM block" },
	{ "form-text.pem", "CSR-FORM",
	      "form-text.pem: neither DER nor a PEM block CERTIFICATE "
	      "REQUEST" },
	{ "form-trailing.pem", "CSR-FORM",
	      "form-trailing.pem: 1 bytes behind the request" },
	{ "form-two.pem", "CSR-FORM",
	      "form-two.pem: a second request; wanted one to a file" },
};

static const struct accepted {
	const char *file;
	const char *names; /* each as on a command line, and a space */
	const char *key;
} accepted[] = {
	{ "good.der", "dns:www.example.org ", "ec-p256" },
	{ "good.pem", "dns:www.example.org ", "ec-p256" },
	{ "good-new.pem", "dns:www.example.org ", "ec-p256" },
	{ "good-explained.pem", "dns:www.example.org ", "ec-p256" },
	{ "good-crlf.pem", "dns:www.example.org ", "ec-p256" },
	{ "good-100-names.der", NULL, "ec-p256" },
	{ "good-asks-broken.der", "dns:www.example.org ", "ec-p256" },
	{ "good-asks-name-constraints.der", "dns:www.example.org ", "ec-p256" },
	{ "good-asks-policy.der", "dns:www.example.org ", "ec-p256" },
	{ "good-attribute-unknown.der", "dns:www.example.org ", "ec-p256" },
	{ "good-attributes-order.der", "dns:www.example.org ", "ec-p256" },
	{ "good-attributes.der", "dns:www.example.org ", "ec-p256" },
	{ "good-ca-false.der", "dns:www.example.org ", "ec-p256" },
	{ "good-challenge-control.der", "dns:www.example.org ", "ec-p256" },
	{ "good-cn-domain-bmp.der", "dns:www.example.org ", "ec-p256" },
	{ "good-cn-domain-ia5.der", "dns:www.example.org ", "ec-p256" },
	{ "good-cn-domain-t61.der", "dns:www.example.org ", "ec-p256" },
	{ "good-cn-domain-wide.der", "", "ec-p256" },
	{ "good-cn-numeric.der", "", "ec-p256" },
	{ "good-critical-false.der", "dns:a.example.org ", "ec-p256" },
	{ "good-ecdsa-null.der", "dns:www.example.org ", "ec-p256" },
	{ "good-ms-extensions.der", "dns:www.example.org ", "ec-p256" },
	{ "good-no-extensions.der", "dns:www.example.org ", "ec-p256" },
	{ "good-no-values.der", "dns:www.example.org ", "ec-p256" },
	{ "good-pss-no-null.der", "dns:www.example.org ", "rsa-2048" },
	{ "good-rsa-no-null.der", "dns:www.example.org ", "rsa-2048" },
	{ "good-sig-rsa-no-null.der", "dns:www.example.org ", "rsa-2048" },
	{ "good-subject.der", "dns:www.example.org ", "ec-p256" },
	{ "good-version-1.der", "dns:www.example.org ", "ec-p256" },
	{ "good-version-2.der", "dns:www.example.org ", "ec-p256" },
	{ "good-challenge.der", "dns:www.example.org ", "ec-p256" },
	{ "good-cn-bmp.der", "", "ec-p256" },
	{ "good-cn-upper.der", "dns:www.example.org ", "ec-p256" },
	{ "good-cn-words.der", "", "ec-p256" },
	{ "good-gnutls.der", "dns:www.example.org ", NULL },
	{ "good-jid.der", "xmpp:j\xc3\xbcrg@example.org ", "ec-p256" },
	{ "good-no-subject.der", "dns:www.example.org ", "ec-p256" },
	{ "good-openssl-ed25519.der", "dns:chat.sjd.se ", "ed25519" },
	{ "good-openssl-extensions.der", "dns:chat.sjd.se ", "ed25519" },
	{ "good-openssl-p256.der",
	  "dns:josefsson.org dns:chat.sjd.se ip:192.0.2.1 ip:2001:db8::1 "
	  "email:a@josefsson.org uri:https://josefsson.org/a "
	  "srv:_xmpp-client.josefsson.org xmpp:simon@josefsson.org ",
	  "ec-p256" },
	{ "good-openssl-p384.der", "dns:chat.sjd.se ", "ec-p384" },
	{ "good-openssl-p521.der", "dns:chat.sjd.se ", "ec-p521" },
	{ "good-openssl-pss.der", "dns:chat.sjd.se ", "rsa-2048" },
	{ "good-openssl-rsa2048.der", "dns:chat.sjd.se ", "rsa-2048" },
	{ "good-openssl-rsa3744.der", "dns:chat.sjd.se ", "rsa-3744" },
	{ "good-srv.der", "srv:_xmpp-server.example.org ", "ec-p256" },
	{ "good-unknown-extension.der", "dns:www.example.org ", "ec-p256" },
};

/* tests/vectors/csr/real: all have a good key; names, or why there are none. */
static const struct real {
	const char *file, *names, *rule;
} real[] = {
	{ "appliance-ip.der", "ip:192.0.2.7 ", NULL },
	{ "appliance-short.der", "", NULL },
	{ "botan.pem", "dns:www.example.org ", NULL },
	{ "freeipa-certmonger.pem", "", "CSR-FORM" },
	{ "friendly-name.der", "dns:www.example.org ", NULL },
	{ "gnutls-certtool.pem", "dns:www.example.org ", NULL },
	{ "go.der", "dns:www.example.org ", NULL },
	{ "java-keytool.pem", "dns:www.example.org ", NULL },
	{ "mbedtls.der", "dns:www.example.org ", NULL },
	{ "nss-certutil-rsa.der", "dns:www.example.org ", NULL },
	{ "nss-certutil.der", "dns:www.example.org ", NULL },
	{ "openssl-prompts.der", "dns:www.example.org ", NULL },
	{ "prosodyctl.der", "", "NAME-FORM" },
	{ "pyca-challenge-unstructured.pem", "", NULL },
	{ "strongswan-pki-rsa.der", "dns:www.example.org ", NULL },
	{ "strongswan-pki.der", "dns:www.example.org ", NULL },
	{ "windows-certreq.pem", "dns:www.example.org ", NULL },
	{ "windows-upn.der", "", "NAME-TYPE" },
	{ "windows-utf16-big.pem", "dns:www.example.org ", NULL },
	{ "windows-utf16.pem", "dns:www.example.org ", NULL },
	{ "windows-utf8-bom.pem", "dns:www.example.org ", NULL },
	{ "wolfssl.der", "dns:www.example.org ", NULL },
};
/* clang-format on */
#define N_REAL (sizeof(real) / sizeof(real[0]))
#define N_REFUSED (sizeof(refused) / sizeof(refused[0]))
#define N_ACCEPTED (sizeof(accepted) / sizeof(accepted[0]))

static enum rc
read_file(
    const char *file, struct key_cache *cache, struct buf *der, struct csr *ret)
{
	WIPED(buf) bytes = { 0 };
	enum rc rc;

	vector_read("csr", file, &bytes);
	rc = csr_from_file(file, buf_span(&bytes), der);
	return rc != RC_OK ? rc : csr_read(file, buf_span(der), cache, ret);
}

/* A file is taken apart first; what a bundle carries is not. */
static void
a_request_is_all_of_its_bytes(void **state)
{
	WIPED(buf) der = { 0 };
	WIPED(csr) csr = { 0 };

	(void)state;
	vector_read("csr", "form-trailing.der", &der);
	check_refused(csr_read("a request", buf_span(&der), NULL, &csr),
	    "CSR-FORM", "a request: 1 bytes behind the request");
}

/* The same for someone who wants its names. */
static enum rc
read_with_names(
    const char *file, struct key_cache *cache, struct buf *der, struct csr *ret)
{
	enum rc rc = read_file(file, cache, der, ret);

	if (rc == RC_OK)
		rc = csr_ca_unwanted(ret);
	return rc != RC_OK ? rc : csr_names_wanted(ret);
}

static void
bad_requests_are_refused_by_name(void **state)
{
	WIPED(key_cache) cache = { 0 };

	(void)state;
	for (size_t i = 0; i < N_REFUSED; i++) {
		WIPED(buf) der = { 0 };
		WIPED(csr) csr = { 0 };

		check_refused(
		    read_with_names(refused[i].file, &cache, &der, &csr),
		    refused[i].rule, refused[i].sentence);
	}
}

static bool
is_about_names(const char *file)
{
	static const char *const begin[] = { "attribute-", "form-cn-utf8",
		"form-empty-rdn", "form-extension-twice", "form-san-empty",
		"name-", "text-" };

	for (size_t i = 0; i < sizeof(begin) / sizeof(begin[0]); i++)
		if (strncmp(file, begin[i], strlen(begin[i])) == 0)
			return true;
	return false;
}

/* What is not used is not judged: the bundle has other names. */
static void
names_that_nobody_wants_refuse_nothing(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < N_REFUSED; i++) {
		WIPED(buf) der = { 0 };
		WIPED(csr) csr = { 0 };
		WIPED(name_list) names = { 0 };
		enum rc rc = read_file(refused[i].file, NULL, &der, &csr);

		if (rc == RC_OK)
			rc = csr_ca_unwanted(&csr);
		if (!is_about_names(refused[i].file)) {
			check_refused(rc, refused[i].rule, NULL);
			continue;
		}
		n++;
		check_ok(rc);
		assert_int_equal(csr.names.n, 0);
		assert_string_equal(rule_name(csr.names_rule), refused[i].rule);
		check_refused(
		    csr_names_read(refused[i].file, buf_span(&der), &names),
		    refused[i].rule, refused[i].sentence);
	}
	assert_int_equal(n, 23);
}

static void
write_names(const struct csr *csr, struct buf *names)
{
	for (size_t j = 0; j < csr->names.n; j++) {
		check_ok(name_write(names, &csr->names.items[j]));
		check_ok(buf_add_byte(names, ' '));
	}
	check_ok(buf_add_byte(names, '\0'));
}

static void
requests_of_other_software_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_REAL; i++) {
		WIPED(buf) der = { 0 };
		WIPED(csr) csr = { 0 };
		WIPED(buf) names = { 0 };
		char path[80];

		(void)snprintf(path, sizeof(path), "real/%s", real[i].file);
		check_ok(read_file(path, NULL, &der, &csr));
		write_names(&csr, &names);
		assert_string_equal((char *)names.p, real[i].names);
		assert_string_equal(rule_name(csr.names_rule),
		    real[i].rule == NULL ? "" : real[i].rule);
	}
}

static void
good_requests_give_key_and_names(void **state)
{
	WIPED(key_cache) cache = { 0 };

	(void)state;
	for (size_t i = 0; i < N_ACCEPTED; i++) {
		const struct accepted *a = &accepted[i];
		WIPED(buf) der = { 0 };
		WIPED(csr) csr = { 0 };
		WIPED(buf) names = { 0 };
		char key[KEY_TYPE_TEXT];

		check_ok(read_with_names(a->file, &cache, &der, &csr));
		write_names(&csr, &names);
		if (a->names != NULL)
			assert_string_equal((char *)names.p, a->names);
		key_name(&csr.key, key);
		if (a->key != NULL)
			assert_string_equal(key, a->key);
		assert_true(span_within(
		    csr.spki, csr.spelled.n == 0 ? buf_span(&der)
						 : buf_span(&csr.spelled)));
	}
}

static size_t
count_vectors(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		n += strstr(entry->d_name, ".der") != NULL ||
		     strstr(entry->d_name, ".pem") != NULL;
	(void)closedir(dir);
	return n;
}

/* So that a file added there without a line here does not pass unseen. */
static void
every_vector_is_in_a_table(void **state)
{
	(void)state;
	assert_int_equal(
	    count_vectors("tests/vectors/csr"), N_REFUSED + N_ACCEPTED);
	assert_int_equal(count_vectors("tests/vectors/csr/real"), N_REAL);
}

/* OpenSSL sorts the attributes, and leaves defaults out. */
static bool
is_any_order(const char *file)
{
	return strcmp(file, "good-attributes-order.der") == 0;
}

/* What the walker passes, OpenSSL encodes again to the same bytes. */
static void
what_is_accepted_encodes_to_itself(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ACCEPTED; i++) {
		WIPED(buf) der = { 0 };
		WIPED(csr) csr = { 0 };
		OWN(X509_REQ) *req = NULL;
		OWN(ssl_bytes) *tbs = NULL;
		const uint8_t *p;
		struct span outer, inner;
		struct der info;
		int n;

		if (is_any_order(accepted[i].file))
			continue;
		check_ok(read_file(accepted[i].file, NULL, &der, &csr));
		p = der.p;
		req = d2i_X509_REQ(NULL, &p, (long)der.n);
		assert_non_null(req);
		assert_ptr_equal(p, der.p + der.n);
		/* i2d_re_: anew, not from the bytes that were kept */
		n = i2d_re_X509_REQ_tbs(req, &tbs);
		assert_true(n > 0);
		outer = buf_span(&der);
		assert_true(der_take(&outer, DER_SEQUENCE, &inner));
		assert_true(der_take_whole(&inner, DER_SEQUENCE, &info));
		assert_true(span_eq(info.whole, span_of(tbs, (size_t)n)));
	}
}

/* Any bit turned over breaks form, key or signature: nothing is left unread. */
static void
no_bit_can_change(void **state)
{
	WIPED(key_cache) cache = { 0 };
	WIPED(buf) der = { 0 };

	(void)state;
	vector_read("csr", "good.der", &der);
	for (size_t i = 0; i < 8 * der.n; i++) {
		WIPED(csr) csr = { 0 };

		der.p[i / 8] ^= (uint8_t)(1U << i % 8);
		if (csr_read("f", buf_span(&der), &cache, &csr) == RC_OK)
			fail_msg("bit %zu of byte %zu does not matter", i % 8,
			    i / 8);
		der.p[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	assert_int_equal(ERR_peek_error(), 0);
}

static void
no_part_is_a_request(void **state)
{
	WIPED(buf) der = { 0 };

	(void)state;
	vector_read("csr", "good.der", &der);
	for (size_t n = 0; n < der.n; n++) {
		/* on the heap, so that a read past the end is seen */
		uint8_t *part = malloc(n + 1);
		WIPED(csr) csr = { 0 };
		WIPED(buf) room = { 0 };
		struct span spki, subject;

		assert_non_null(part);
		memcpy(part, der.p, n);
		check_refused(csr_read("f", span_of(part, n), NULL, &csr),
		    "CSR-FORM", NULL);
		check_refused(
		    csr_find_spki("f", span_of(part, n), &room, &spki),
		    "CSR-FORM", NULL);
		check_refused(csr_find_subject("f", span_of(part, n), &subject),
		    "CSR-FORM", "f: not a PKCS#10 request (RFC 2986)");
		free(part);
	}
}

static void
a_request_has_a_size_limit(void **state)
{
	uint8_t *big = calloc(1, CSR_MAX + 1);
	WIPED(csr) csr = { 0 };

	(void)state;
	assert_non_null(big);
	check_refused(csr_read("f", span_of(big, CSR_MAX + 1), NULL, &csr),
	    "CSR-FORM", "f: a request of 65537 bytes; wanted at most 65536");
	free(big);
	for (size_t n = 3; n < CSR_MIN; n++) {
		uint8_t small[CSR_MIN] = { DER_SEQUENCE, (uint8_t)(n - 2) };
		WIPED(buf) der = { 0 };

		check_refused(csr_from_file("f", span_of(small, n), &der),
		    "CSR-FORM", NULL);
	}
}

/* What is behind it is refused where the file is opened, and not only where the
 * request is read: a bundle would carry it along. */
static void
a_file_holds_one_request_and_nothing_behind_it(void **state)
{
	WIPED(buf) file = { 0 };
	WIPED(buf) der = { 0 };

	(void)state;
	vector_read("csr", "good.der", &file);
	check_ok(csr_from_file("f", buf_span(&file), &der));
	assert_true(span_eq(buf_span(&der), buf_span(&file)));
	buf_reset(&der);
	check_ok(buf_add_byte(&file, 0));
	check_refused(csr_from_file("f", buf_span(&file), &der), "CSR-FORM",
	    "f: 1 bytes behind the request");
	assert_int_equal(der.n, 0);
}

static void
the_spki_is_found_without_judging(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ACCEPTED; i++) {
		WIPED(buf) der = { 0 };
		WIPED(csr) csr = { 0 };
		WIPED(buf) room = { 0 };
		struct span spki;

		check_ok(read_file(accepted[i].file, NULL, &der, &csr));
		check_ok(csr_find_spki("f", buf_span(&der), &room, &spki));
		assert_true(span_eq(spki, csr.spki));
		assert_true(room.n != 0 || spki.p == csr.spki.p);
	}
}

/* Its key-id, and so the list of published keys, go by that spelling. */
static void
an_rsa_key_has_one_spelling(void **state)
{
	WIPED(buf) bare = { 0 };
	WIPED(csr) csr = { 0 };
	OWN(X509_REQ) *req = NULL;
	OWN(ssl_bytes) *spelled = NULL;
	const uint8_t *p;
	int n;

	(void)state;
	check_ok(read_file("good-rsa-no-null.der", NULL, &bare, &csr));
	p = bare.p;
	req = d2i_X509_REQ(NULL, &p, (long)bare.n);
	n = i2d_PUBKEY(X509_REQ_get0_pubkey(req), &spelled);
	assert_true(n > 0);
	assert_true(span_eq(csr.spki, span_of(spelled, (size_t)n)));
	assert_int_equal(csr.spki.n, csr.spelled.n);
}

/* A cache that last held another key, or refused one, changes no verdict. */
static void
a_cache_carries_nothing_over(void **state)
{
	WIPED(key_cache) cache = { 0 };

	(void)state;
	for (int round = 0; round < 3; round++) {
		WIPED(buf) good = { 0 };
		WIPED(buf) bad = { 0 };
		WIPED(buf) other = { 0 };
		WIPED(csr) csr = { 0 };

		check_refused(
		    read_file("key-ec-off-curve.der", &cache, &bad, &csr),
		    "KEY-EC-POINT", NULL);
		check_ok(read_file("good.der", &cache, &good, &csr));
		csr_wipe(&csr);
		check_ok(
		    read_file("good-openssl-p256.der", &cache, &other, &csr));
		buf_reset(&bad);
		check_refused(read_file("pop-changed.der", &cache, &bad, &csr),
		    "CSR-POP", NULL);
	}
}

/* A request for the key `of`, signed with `by`. */
static void
make_request(EVP_PKEY *of, EVP_PKEY *by, struct buf *der)
{
	X509_REQ *req = X509_REQ_new();
	unsigned char *p = NULL;
	int n;

	assert_int_equal(
	    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN",
		MBSTRING_UTF8, (const unsigned char *)"a.example", -1, -1, 0),
	    1);
	assert_int_equal(X509_REQ_set_pubkey(req, of), 1);
	assert_true(X509_REQ_sign(req, by, EVP_sha256()) > 0);
	n = i2d_X509_REQ(req, &p);
	assert_true(n > 0);
	buf_reset(der);
	check_ok(buf_add(der, p, (size_t)n));
	OPENSSL_free(p);
	X509_REQ_free(req);
}

/* The object in the cache is kept: what it held before proves nothing. */
static void
the_key_before_cannot_sign_for_the_next(void **state)
{
	static const char *const groups[] = { "P-256", "P-384", "P-521" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		WIPED(key_cache) cache = { 0 };
		EVP_PKEY *one = EVP_EC_gen(groups[i]);
		EVP_PKEY *two = EVP_EC_gen(groups[i]);
		WIPED(buf) der = { 0 };

		for (int round = 0; round < 3; round++) {
			WIPED(csr) good = { 0 };
			WIPED(csr) bad = { 0 };

			make_request(one, one, &der);
			check_ok(
			    csr_read("one", buf_span(&der), &cache, &good));
			make_request(two, one, &der);
			check_refused(
			    csr_read("two", buf_span(&der), &cache, &bad),
			    "CSR-POP",
			    "two: the signature does not verify under the "
			    "request's own key");
		}
		EVP_PKEY_free(one);
		EVP_PKEY_free(two);
	}
}

/* ---- attributes byte for byte -------------------------------------------- */

#define OID_REQUEST "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"
#define OID_CHALLENGE "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07"

static void
wrap(struct buf *b, uint8_t tag)
{
	WIPED(buf) inner = *b;

	*b = (struct buf){ 0 };
	check_ok(der_put(b, tag, buf_span(&inner)));
}

/* A request around these bytes of [0] attributes, whose key and signature are
 * nobody's: only names are read of it. */
static void
request_of(struct span attributes, struct buf *ret)
{
	static const uint8_t head[] = "\x02\x01\x00\x30\x00"
				      "\x30\x09\x30\x03\x06\x01\x2a\x03\x02\x00"
				      "\x01";

	buf_reset(ret);
	check_ok(buf_add(ret, head, sizeof(head) - 1));
	check_ok(der_put(ret, DER_EXPLICIT(0), attributes));
	wrap(ret, DER_SEQUENCE);
	check_ok(buf_add(ret, "\x30\x03\x06\x01\x2a\x03\x02\x00\x01", 9));
	wrap(ret, DER_SEQUENCE);
}

/* An extensionRequest of one extension with that OID and value. */
static void
request_for(uint8_t last_of_oid, struct span value, struct buf *ret)
{
	WIPED(buf) list = { 0 }, value_der = { 0 };
	const uint8_t oid[] = { 0x06, 0x03, 0x55, 0x1d, last_of_oid };

	check_ok(buf_add(&list, oid, sizeof(oid)));
	check_ok(der_put(&value_der, DER_OCTET_STRING, value));
	check_ok(buf_add_span(&list, buf_span(&value_der)));
	wrap(&list, DER_SEQUENCE);
	wrap(&list, DER_SEQUENCE);
	wrap(&list, DER_SET);
	buf_reset(&value_der);
	check_ok(buf_add(&value_der, OID_REQUEST, 11));
	check_ok(buf_add_span(&value_der, buf_span(&list)));
	wrap(&value_der, DER_SEQUENCE);
	request_of(buf_span(&value_der), ret);
}

static void
each_extension_has_one_form(void **state)
{
#define V(s) \
	{ \
		(const uint8_t *)s, sizeof(s) - 1 \
	}
	static const struct {
		uint8_t oid;
		struct span value;
		const char *what; /* NULL: accepted */
	} forms[] = {
		{ 0x13, V("\x30\x00"), NULL },
		{ 0x13, V("\x05\x00"), "basicConstraints" },
		{ 0x13, V("\x30\x02\x05\x00"), "basicConstraints" },
		{ 0x0f, V("\x03\x02\x07\x80"), NULL },
		{ 0x0f, V("\x03\x01\x00"), NULL },
		{ 0x0f, V("\x04\x01\x00"), "keyUsage" },
		{ 0x25, V("\x30\x05\x06\x03\x2a\x03\x04"), NULL },
		{ 0x25, V("\x30\x00"), "extendedKeyUsage" },
		{ 0x25, V("\x31\x00"), "extendedKeyUsage" },
		{ 0x25, V("\x30\x02\x05\x00"), "extendedKeyUsage" },
		{ 0x0e, V("\x04\x01x"), NULL },
		{ 0x0e, V("\x04\x80"), NULL },
		{ 0x13, V("\x30\x03\x01\x01\x00"), NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		WIPED(name_list) names = { 0 };
		WIPED(buf) der = { 0 };
		char sentence[80];
		enum rc rc;

		request_for(forms[i].oid, forms[i].value, &der);
		rc = csr_names_read("f", buf_span(&der), &names);
		(void)snprintf(sentence, sizeof(sentence),
		    "f: %s of no known form", forms[i].what);
		if (forms[i].what == NULL)
			check_ok(rc);
		else
			check_refused(rc, "CSR-FORM", sentence);
	}
}

static void
each_attribute_has_one_form(void **state)
{
	static const struct {
		struct span attributes;
		const char *what;
	} forms[] = {
		{ V(""), NULL },
		{ V("\x30\x10" OID_CHALLENGE "\x31\x03\x13\x01x"), NULL },
		{ V("\x30\x0d" OID_CHALLENGE "\x31\x00"), NULL },
		{ V("\x30\x0b" OID_CHALLENGE), NULL },
		{ V("\x30\x0d" OID_CHALLENGE "\x31\x80"), NULL },
		{ V("\x30\x80" OID_CHALLENGE "\x31\x00"), "an attribute" },
		{ V("\x05\x00"), "an attribute" },
		{ V("\x30\x02\x05\x00"), "an attribute" },
		{ V("\x30\x0b" OID_REQUEST), "an extensionRequest" },
		{ V("\x30\x0d" OID_REQUEST "\x30\x00"), "an extensionRequest" },
		{ V("\x30\x0f" OID_REQUEST "\x31\x00\x05\x00"),
		    "an extensionRequest" },
		{ V("\x30\x0d" OID_REQUEST "\x31\x00"), NULL },
		{ V("\x30\x0f" OID_REQUEST "\x31\x02\x30\x00"), NULL },
		{ V("\x30\x0f" OID_REQUEST "\x31\x02\x05\x00"),
		    "an extensionRequest" },
		{ V("\x30\x11" OID_REQUEST "\x31\x04\x30\x02\x05\x00"),
		    "an extension" },
		{ V("\x30\x13" OID_REQUEST "\x31\x06\x30\x04\x30\x02\x05\x00"),
		    "an extension" },
		{ V("\x30\x13" OID_REQUEST "\x31\x06\x30\x04\x30\x02\x04\x00"),
		    "an extension" },
		{ V("\x30\x16" OID_REQUEST
		    "\x31\x09\x30\x07\x30\x05\x06\x03\x55\x1d\x0e"),
		    "an extension" },
		{ V("\x30\x1a" OID_REQUEST
		    "\x31\x0d\x30\x0b\x30\x09\x06\x03\x55\x1d\x0e\x04\x00"
		    "\x05\x00"),
		    "an extension" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		WIPED(name_list) names = { 0 };
		WIPED(buf) der = { 0 };
		char sentence[80];
		enum rc rc;

		request_of(forms[i].attributes, &der);
		err_clear();
		rc = csr_names_read("f", buf_span(&der), &names);
		(void)snprintf(sentence, sizeof(sentence),
		    "f: %s of no known form", forms[i].what);
		if (rc != RC_OK && forms[i].what == NULL)
			fail_msg("form %zu: %s", i, err_text());
		if (forms[i].what != NULL)
			check_refused(rc, "CSR-FORM", sentence);
	}
}

/* Whatever of memory and OpenSSL fails, a good request is an error of ours or
 * read whole: never refused as one that breaks a rule. EVP_PKEY_fromdata and
 * the verifying itself do not say which it was. */
static void
no_failure_of_ours_is_the_requests_fault(void **state)
{
	static const char *const files[] = { "good.der",
		"good-openssl-rsa2048.der", "good-openssl-ed25519.der" };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		WIPED(buf) der = { 0 };

		vector_read("csr", files[i], &der);
		FAIL_EACH("malloc calloc reallocarray BN_bin2bn BN_CTX_new "
			  "BN_CTX_get EVP_MD_CTX_new EVP_PKEY_fromdata_init "
			  "EVP_PKEY_CTX_new_from_name "
			  "EVP_PKEY_CTX_new_from_pkey EVP_PKEY_verify "
			  "EVP_DigestVerifyInit_ex EVP_DigestVerify",
		    0)
		{
			WIPED(csr) csr = { 0 };
			enum rc rc;
			const char *failed;

			err_clear();
			rc = csr_read("f", buf_span(&der), NULL, &csr);
			failed = fail_stop();
			if (rc == RC_OK) {
				assert_int_equal(csr.names.n, 1);
				continue;
			}
			assert_non_null(failed);
			if (rc != RC_IO && rc != RC_BUG)
				fail_msg("%s, when %s failed: %s", files[i],
				    failed, err_text());
		}
	}
}

/* ---- what a file holds --------------------------------------------------- */

static void
holds_its_csr(const char *path)
{
	WIPED(buf) file = { 0 };
	WIPED(buf) der = { 0 };
	bool held = false;

	vector_read("csr", path, &file);
	if (csr_from_file(path, buf_span(&file), &der) != RC_OK)
		return;
	check_ok(csr_is_of_file(buf_span(&file), buf_span(&der), &held));
	if (!held)
		fail_msg("%s does not hold its CSR", path);
	/* any byte of it */
	for (size_t i = 0; i < der.n; i += 1 + der.n / 16) {
		der.p[i] ^= 0x10;
		check_ok(
		    csr_is_of_file(buf_span(&file), buf_span(&der), &held));
		if (held)
			fail_msg("%s: byte %zu may be another", path, i);
		der.p[i] ^= 0x10;
	}
}

static void
each_file_of(const char *dir, const char *below)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;
	char path[512];

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		(void)snprintf(
		    path, sizeof(path), "%s%s", below, entry->d_name);
		if (strstr(path, ".der") != NULL ||
		    strstr(path, ".pem") != NULL)
			holds_its_csr(path);
	}
	(void)closedir(d);
}

/* In whatever form it is taken from one: DER, lines of any width, words before
 * it, UTF-16. */
static void
a_file_holds_its_csr_and_no_other(void **state)
{
	const struct span csr = span_str("0123456789");
	bool held = true;

	(void)state;
	each_file_of("tests/vectors/csr", "");
	each_file_of("tests/vectors/csr/real", "real/");
	check_ok(csr_is_of_file(SPAN_NONE, csr, &held));
	assert_false(held);
	check_ok(csr_is_of_file(csr, SPAN_NONE, &held));
	assert_false(held); /* nothing is nobody's */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_requests_are_refused_by_name),
		cmocka_unit_test(a_request_is_all_of_its_bytes),
		cmocka_unit_test(names_that_nobody_wants_refuse_nothing),
		cmocka_unit_test(requests_of_other_software_are_read),
		cmocka_unit_test(good_requests_give_key_and_names),
		cmocka_unit_test(every_vector_is_in_a_table),
		cmocka_unit_test(what_is_accepted_encodes_to_itself),
		cmocka_unit_test(no_bit_can_change),
		cmocka_unit_test(no_part_is_a_request),
		cmocka_unit_test(a_request_has_a_size_limit),
		cmocka_unit_test(
		    a_file_holds_one_request_and_nothing_behind_it),
		cmocka_unit_test(the_spki_is_found_without_judging),
		cmocka_unit_test(an_rsa_key_has_one_spelling),
		cmocka_unit_test(a_cache_carries_nothing_over),
		cmocka_unit_test(the_key_before_cannot_sign_for_the_next),
		cmocka_unit_test(each_extension_has_one_form),
		cmocka_unit_test(each_attribute_has_one_form),
		cmocka_unit_test(no_failure_of_ours_is_the_requests_fault),
		cmocka_unit_test(a_file_holds_its_csr_and_no_other),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
