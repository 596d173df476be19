/* SPDX-License-Identifier: Apache-2.0 */
/** OWN() for the OpenSSL types in use. */
#ifndef BASE_OWN_SSL_H
#define BASE_OWN_SSL_H

#include "base/own.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static inline void
own_ssl_bytes_free(unsigned char *p)
{
	OPENSSL_free(p);
}

OWN_TYPE(ASN1_BIT_STRING, ASN1_BIT_STRING_free);
OWN_TYPE(ASN1_IA5STRING, ASN1_IA5STRING_free);
OWN_TYPE(ASN1_INTEGER, ASN1_INTEGER_free);
OWN_TYPE(ASN1_OBJECT, ASN1_OBJECT_free);
OWN_TYPE(ASN1_OCTET_STRING, ASN1_OCTET_STRING_free);
OWN_TYPE(ASN1_TIME, ASN1_TIME_free);
OWN_TYPE(ASN1_TYPE, ASN1_TYPE_free);
OWN_TYPE(AUTHORITY_KEYID, AUTHORITY_KEYID_free);
OWN_TYPE(BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free);
OWN_TYPE(BIGNUM, BN_free);
OWN_TYPE(BIO, BIO_free_all);
OWN_TYPE(BN_CTX, BN_CTX_free);
OWN_TYPE(ECDSA_SIG, ECDSA_SIG_free);
OWN_TYPE(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free);
OWN_TYPE(EVP_KDF, EVP_KDF_free);
OWN_TYPE(EVP_KDF_CTX, EVP_KDF_CTX_free);
OWN_TYPE(EVP_MD_CTX, EVP_MD_CTX_free);
OWN_TYPE(EVP_PKEY, EVP_PKEY_free);
OWN_TYPE(EVP_PKEY_CTX, EVP_PKEY_CTX_free);
OWN_TYPE(CRL_DIST_POINTS, CRL_DIST_POINTS_free);
OWN_TYPE(EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free);
OWN_TYPE(GENERAL_NAMES, GENERAL_NAMES_free);
OWN_TYPE(NAME_CONSTRAINTS, NAME_CONSTRAINTS_free);
OWN_TYPE(X509, X509_free);
OWN_TYPE(X509_ALGOR, X509_ALGOR_free);
OWN_TYPE(X509_EXTENSION, X509_EXTENSION_free);
OWN_TYPE(X509_NAME, X509_NAME_free);
OWN_TYPE(X509_PUBKEY, X509_PUBKEY_free);
OWN_TYPE(X509_REQ, X509_REQ_free);
OWN_TYPE(X509_STORE, X509_STORE_free);
OWN_TYPE(X509_STORE_CTX, X509_STORE_CTX_free);

/* Memory that OpenSSL allocated for an i2d or print call. */
typedef unsigned char ssl_bytes;
OWN_TYPE(ssl_bytes, own_ssl_bytes_free);

#endif
