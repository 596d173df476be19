/* SPDX-License-Identifier: Apache-2.0 */
/* A judge that lies. */
#include "tests/subverted/hostile.h"

#include "transfer/format/cbor_out.h"
#include "transfer/judge/judge_wire.h"

#include <signal.h>
#include <unistd.h>

enum rc __real_judge_run(int sock, void *arg);
enum rc __wrap_judge_run(int sock, void *arg);

static bool judging;

bool
is_judge(void)
{
	return judging;
}

static enum rc
send_verdict(int sock, bool good)
{
	WIPED(buf) record = { 0 };
	struct cbor_out out;

	cbor_out_init(&out, &record);
	cbor_put_array(&out, 4);
	cbor_put_uint(&out, JUDGE_VERDICT);
	cbor_put_uint(&out, good ? RC_OK : RC_FORMAT);
	cbor_put_text(&out, span_str(good ? "" : "CERT-SIGNATURE"));
	cbor_put_bytes(&out, span_str(good ? "" : "a lie"));
	if (cbor_out_end(&out) != RC_OK)
		return RC_BUG;
	return __real_frame_send(sock, buf_span(&record), -1, "parent");
}

/* A certificate of its own, for the first request. */
static enum rc
send_other(int sock)
{
	static const uint8_t der[70] = { 0x30, 68 };
	const struct judge_said said = { .kind = JUDGE_TAKE,
		.der = { der, sizeof(der) } };
	WIPED(buf) record = { 0 };

	if (schema_write(&judge_said_form, &said, &record) != RC_OK)
		return RC_BUG;
	return __real_frame_send(sock, buf_span(&record), -1, "parent");
}

enum rc
judge_answer(int sock, struct span record, int fd)
{
	if (go_out("judge") != RC_OK || does("judge:die"))
		_exit(1);
	if (does("judge:stop"))
		(void)raise(SIGSTOP);
	if (does("judge:garbage"))
		return __real_frame_send(sock, span_str("no"), -1, "parent");
	if (does("judge:other") && send_other(sock) != RC_OK)
		return RC_BUG;
	if (does("judge:other"))
		return send_verdict(sock, true);
	if (does("judge:yes") || does("judge:no"))
		return send_verdict(sock, does("judge:yes"));
	return __real_frame_send(sock, record, fd, "parent");
}

enum rc
__wrap_judge_run(int sock, void *arg)
{
	judging = true;
	return __real_judge_run(sock, arg);
}
