/* SPDX-License-Identifier: Apache-2.0 */
/* Raw C_Sign in sessions of its own, without the process boundary: what the
 * card could give at most. */
#include "token/card/sign.h"

#include "base/clock.h"
#include "token/p11/ckr.h"

#include <pthread.h>
#include <stdlib.h>

#define BENCH_STACK ((size_t)256 << 10) /* bytes: pages here are locked */

/* One session, signing until the time is up. */
struct bencher {
	pthread_t thread;
	CK_FUNCTION_LIST *f;
	CK_SESSION_HANDLE handle;
	const struct signer *signer;
	const struct pin *pin; /* read only; NULL: no context login */
	int64_t until_ns;
	uint64_t count;
	CK_RV rv;
};

static CK_RV
bench_once(struct bencher *b, struct sign_input *in)
{
	uint8_t sig[SIGNATURE_MAX];
	CK_ULONG n = sizeof(sig);
	CK_RV rv =
	    b->f->C_SignInit(b->handle, &in->mechanism, b->signer->object);

	if (rv == CKR_OK && b->pin != NULL) {
		rv = b->f->C_Login(b->handle, CKU_CONTEXT_SPECIFIC,
		    (CK_UTF8CHAR *)(uintptr_t)b->pin->text, b->pin->len);
		if (rv == CKR_USER_ALREADY_LOGGED_IN)
			rv = CKR_OK;
	}
	if (rv == CKR_OK)
		rv = b->f->C_Sign(b->handle, in->data, in->n, sig, &n);
	return rv;
}

static void *
bench_thread(void *arg)
{
	static const uint8_t digest[32] = { 0x5a };
	struct bencher *b = arg;
	enum token_scheme scheme =
	    b->signer->type.kind == KEY_RSA ? TOKEN_RSA_PKCS1 : TOKEN_ECDSA;
	struct sign_input in;

	if (sign_input_init(&in, b->signer->type, scheme,
		span_of(digest, sizeof(digest))) != RC_OK) {
		b->rv = CKR_KEY_TYPE_INCONSISTENT;
		return NULL;
	}
	while (b->rv == CKR_OK && clock_monotonic_ns() < b->until_ns) {
		b->rv = bench_once(b, &in);
		b->count += b->rv == CKR_OK;
	}
	return NULL;
}

static enum rc
bench_open(const struct session *s, struct bencher *b)
{
	CK_RV rv = s->module->f->C_OpenSession(
	    s->slot, CKF_SERIAL_SESSION, NULL, NULL, &b->handle);

	return rv == CKR_OK ? RC_OK : ckr_set(rv, "%s: no session", s->name);
}

static enum rc
token_bench_run(const struct session *s, struct bencher *all, unsigned threads)
{
	pthread_attr_t attr;
	unsigned started = 0;
	enum rc rc = RC_OK;

	if (pthread_attr_init(&attr) != 0)
		return err_memory();
	(void)pthread_attr_setstacksize(&attr, BENCH_STACK);
	while (started < threads && pthread_create(&all[started].thread, &attr,
					bench_thread, &all[started]) == 0)
		started++;
	if (started < threads)
		rc = err_set(RC_IO, "no room for %u threads", threads);
	for (unsigned i = 0; i < started; i++)
		(void)pthread_join(all[i].thread, NULL);
	(void)pthread_attr_destroy(&attr);
	for (unsigned i = 0; i < started && rc == RC_OK; i++)
		if (all[i].rv != CKR_OK)
			rc = ckr_set(all[i].rv, "%s: did not sign", s->name);
	return rc;
}

enum rc
sign_bench(const struct session *s, struct login *l,
    const struct signer *signer, unsigned seconds, unsigned threads,
    double *ret_rate)
{
	struct bencher *all = calloc(threads, sizeof(*all));
	int64_t start = clock_monotonic_ns(), end;
	uint64_t count = 0;
	enum rc rc = RC_OK;

	if (all == NULL)
		return err_memory();
	for (unsigned i = 0; i < threads && rc == RC_OK; i++) {
		all[i] = (struct bencher){ .f = s->module->f,
			.signer = signer,
			.pin = signer->always_authenticate ? l->pin : NULL,
			.until_ns = start + (int64_t)seconds * 1000000000 };
		rc = bench_open(s, &all[i]);
	}
	if (rc == RC_OK)
		rc = token_bench_run(s, all, threads);
	end = clock_monotonic_ns();
	for (unsigned i = 0; i < threads; i++) {
		count += all[i].count;
		session_close_handle(s, &all[i].handle);
	}
	free(all);
	if (rc == RC_OK)
		*ret_rate = (double)count * 1e9 / (double)(end - start);
	return rc;
}
