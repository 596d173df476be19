/* SPDX-License-Identifier: Apache-2.0 */
/* Moduli that look like any other and are not: made by a known faulty
 * generator, with primes beside each other, or with a small factor. Each test
 * is cheap enough to run for every request of 10,000. */
#include "transfer/x509/key_arith.h"

#include "base/own_ssl.h"
#include "transfer/rule.h"

#define FERMAT_ROUNDS 100
#define SMALL_FACTOR_MAX 751 /* the primes under 752: CA/B baseline 6.1.6 */
#define ROCA_PRIME_MAX 167   /* the largest in M of a 512-bit key */
#define ROCA_GENERATOR 65537

/* The odd primes up to SMALL_FACTOR_MAX, in order. */
/* clang-format off */
static const uint16_t primes[] = {
	3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71,
	73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149,
	151, 157, 163, 167, 173, 179, 181, 191, 193, 197, 199, 211, 223, 227,
	229, 233, 239, 241, 251, 257, 263, 269, 271, 277, 281, 283, 293, 307,
	311, 313, 317, 331, 337, 347, 349, 353, 359, 367, 373, 379, 383, 389,
	397, 401, 409, 419, 421, 431, 433, 439, 443, 449, 457, 461, 463, 467,
	479, 487, 491, 499, 503, 509, 521, 523, 541, 547, 557, 563, 569, 571,
	577, 587, 593, 599, 601, 607, 613, 617, 619, 631, 641, 643, 647, 653,
	659, 661, 673, 677, 683, 691, 701, 709, 719, 727, 733, 739, 743, 751,
};
/* clang-format on */
#define N_PRIMES (sizeof(primes) / sizeof(primes[0]))

/* The modulus modulo each of the primes. Dividing by products of primes that
 * fit a machine word costs a fifth of dividing by each. */
static enum rc
take_residues(const BIGNUM *modulus, uint16_t ret[static N_PRIMES])
{
	size_t first = 0;

	while (first < N_PRIMES) {
		BN_ULONG product = 1, rest;
		size_t end = first;

		while (end < N_PRIMES && product <= (BN_ULONG)-1 / primes[end])
			product *= primes[end++];
		rest = BN_mod_word(modulus, product);
		if (rest == (BN_ULONG)-1)
			return err_openssl(RC_IO, "RSA modulus");
		for (; first < end; first++)
			ret[first] = (uint16_t)(rest % primes[first]);
	}
	return RC_OK;
}

/* Is `residue` a power of the generator modulo `prime`? */
static bool
is_power(unsigned residue, unsigned prime)
{
	unsigned power = 1;

	do {
		if (power == residue)
			return true;
		power = power * (ROCA_GENERATOR % prime) % prime;
	} while (power != 1);
	return false;
}

/* The fingerprint of Nemec, Sys, Svenda, Klinec, Matyas, "The Return of
 * Coppersmith's Attack" (CCS 2017), section 2.3: the faulty generator makes
 * primes k * M + (65537^a mod M), so modulo each prime factor of M the modulus
 * is a power of 65537. One sound key in 2^27 looks like that too. */
static bool
is_roca(const uint16_t residues[static N_PRIMES])
{
	for (size_t i = 0; primes[i] <= ROCA_PRIME_MAX; i++)
		if (!is_power(residues[i], primes[i]))
			return false;
	return true;
}

/* r = floor(sqrt(n)) by Newton's method from above. `quotient` is scratch. */
static bool
root_of(BIGNUM *r, const BIGNUM *n, BIGNUM *quotient, BN_CTX *ctx)
{
	if (BN_is_zero(n)) {
		BN_zero(r);
		return true;
	}
	BN_zero(r);
	if (BN_set_bit(r, (BN_num_bits(n) + 1) / 2) != 1)
		return false;
	for (;;) {
		if (BN_div(quotient, NULL, n, r, ctx) != 1 ||
		    BN_add(quotient, quotient, r) != 1 ||
		    BN_rshift1(quotient, quotient) != 1)
			return false;
		if (BN_cmp(quotient, r) >= 0)
			return true;
		BN_swap(quotient, r);
	}
}

/* Of the numbers that are no squares all but some in a thousand show it modulo
 * one of these, and no root needs to be taken. */
static bool
may_be_square(const BIGNUM *n)
{
	static const unsigned moduli[] = { 64, 63, 65, 11, 17, 19, 23, 31 };

	for (size_t i = 0; i < sizeof(moduli) / sizeof(moduli[0]); i++) {
		unsigned m = moduli[i];
		unsigned residue = (unsigned)BN_mod_word(n, m), x = 0;

		while (x < m && x * x % m != residue)
			x++;
		if (x == m)
			return false;
	}
	return true;
}

struct fermat {
	BIGNUM *a, *b2, *root, *scratch, *step;
};

/* Is n = (a + b)(a - b) with one of the first FERMAT_ROUNDS a >= sqrt(n)? */
static bool
search(struct fermat *f, const BIGNUM *n, BN_CTX *ctx, bool *ret_found)
{
	if (!root_of(f->a, n, f->scratch, ctx) ||
	    BN_sqr(f->b2, f->a, ctx) != 1 || BN_sub(f->b2, f->b2, n) != 1)
		return false;
	for (int round = 0; round <= FERMAT_ROUNDS; round++) {
		if (!BN_is_negative(f->b2) && may_be_square(f->b2)) {
			if (!root_of(f->root, f->b2, f->scratch, ctx) ||
			    BN_sqr(f->scratch, f->root, ctx) != 1)
				return false;
			if (BN_cmp(f->scratch, f->b2) == 0) {
				*ret_found = true;
				return true;
			}
		}
		/* (a + 1)^2 - n = b2 + 2a + 1 */
		if (BN_lshift1(f->step, f->a) != 1 ||
		    BN_add_word(f->step, 1) != 1 ||
		    BN_add(f->b2, f->b2, f->step) != 1 ||
		    BN_add_word(f->a, 1) != 1)
			return false;
	}
	*ret_found = false;
	return true;
}

static enum rc
find_close_primes(const BIGNUM *n, bool *ret_found)
{
	OWN(BN_CTX) *ctx = BN_CTX_new();
	struct fermat f;
	bool good;

	if (ctx == NULL)
		return err_memory();
	BN_CTX_start(ctx);
	f.a = BN_CTX_get(ctx);
	f.b2 = BN_CTX_get(ctx);
	f.root = BN_CTX_get(ctx);
	f.scratch = BN_CTX_get(ctx);
	f.step = BN_CTX_get(ctx);
	good = f.step != NULL && search(&f, n, ctx, ret_found);
	BN_CTX_end(ctx);
	return good ? RC_OK : err_openssl(RC_IO, "RSA modulus");
}

enum rc
key_rsa_check(const char *from, struct span modulus)
{
	OWN(BIGNUM) *n = BN_bin2bn(modulus.p, (int)modulus.n, NULL);
	uint16_t residues[N_PRIMES];
	bool close = false;
	enum rc rc;

	if (n == NULL)
		return err_memory();
	if (!BN_is_odd(n))
		return rule_refuse(
		    RULE_KEY_RSA_MODULUS, "%s: the RSA modulus is even", from);
	rc = take_residues(n, residues);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < N_PRIMES; i++)
		if (residues[i] == 0)
			return rule_refuse(RULE_KEY_RSA_MODULUS,
			    "%s: %u divides the RSA modulus", from, primes[i]);
	if (is_roca(residues))
		return rule_refuse(RULE_KEY_ROCA,
		    "%s: the RSA modulus has the fingerprint of the faulty Infineon generator",
		    from);
	rc = find_close_primes(n, &close);
	if (rc != RC_OK)
		return rc;
	if (close)
		return rule_refuse(RULE_KEY_CLOSE_PRIMES,
		    "%s: the RSA modulus falls to %d rounds of Fermat's method: its primes are close together",
		    from, FERMAT_ROUNDS);
	return RC_OK;
}
