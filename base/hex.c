/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as hexadecimal and back, and SHA-256, whose result is what is most
 * often shown so. */
#include "base/hex.h"

#include <openssl/evp.h>

void
hex_write(struct span bytes, char *ret_text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.n; i++) {
		*ret_text++ = digits[bytes.p[i] >> 4];
		*ret_text++ = digits[bytes.p[i] & 15];
	}
	*ret_text = '\0';
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
hex_read_some(const char *text, uint8_t *ret_bytes, size_t max, size_t *ret_n)
{
	size_t n = 0;

	while (*text != '\0') {
		int high, low;

		if (n > 0 && (*text == ':' || *text == ' ')) {
			text++;
			continue;
		}
		high = nibble(text[0]);
		if (high < 0 || n == max)
			return false;
		low = nibble(text[1]);
		if (low < 0)
			return false;
		ret_bytes[n++] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	*ret_n = n;
	return n > 0;
}

bool
hex_read(const char *text, uint8_t *ret_bytes, size_t n)
{
	size_t got;

	return hex_read_some(text, ret_bytes, n, &got) && got == n;
}

enum rc
sha256(struct span bytes, uint8_t ret_digest[static SHA256_LEN])
{
	return sha256_two(bytes, SPAN_NONE, ret_digest);
}

enum rc
sha256_two(struct span a, struct span b, uint8_t ret_digest[static SHA256_LEN])
{
	/* Kept until the thread ends: each of ten thousand requests takes
	 * several, and making a context costs more than a short digest. */
	static _Thread_local EVP_MD_CTX *kept;
	const EVP_MD *md;

	if (kept == NULL)
		kept = EVP_MD_CTX_new();
	if (kept == NULL)
		return err_memory();
	/* NULL is what it had before: looking it up costs as much again. */
	md = EVP_MD_CTX_get0_md(kept) == NULL ? EVP_sha256() : NULL;
	if (EVP_DigestInit_ex2(kept, md, NULL) != 1 ||
	    EVP_DigestUpdate(kept, a.p, a.n) != 1 ||
	    EVP_DigestUpdate(kept, b.p, b.n) != 1 ||
	    EVP_DigestFinal_ex(kept, ret_digest, NULL) != 1)
		return err_openssl(RC_BUG, "SHA-256 is not available");
	return RC_OK;
}
