/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded, this is a generator of random numbers that has broken: 16 bytes at a
 * time are always the same. Serials are as long; what SoftHSM draws for a signature
 * is not. */
#include <openssl/rand.h>

#include <dlfcn.h>
#include <string.h>

int
RAND_bytes(unsigned char *buf, int n)
{
	int (*real)(unsigned char *, int);

	*(void **)&real = dlsym(RTLD_NEXT, "RAND_bytes");
	if (n != 16)
		return real == NULL ? 0 : real(buf, n);
	memset(buf, 0x41, 16);
	return 1;
}
