/* SPDX-License-Identifier: Apache-2.0 */
/* A reader that lies, and the signer's clock for one that is slow. */
#include "tests/subverted/hostile.h"

#include "base/clock.h"
#include "transfer/format/cbor_out.h"
#include "transfer/format/cose.h"
#include "transfer/format/payload.h"
#include "transfer/media/media_part.h"
#include "transfer/reader/reader_wire.h"
#include "transfer/rule.h"
#include "transfer/x509/csr.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#define SHARE 256 /* requests that the signer gives to a reader at once */
#define SPEED 100 /* how fast the signer's time goes when somebody is slow */
#define EVIL "evil.example.org"
#define PEER "parent"

/* What --wrap puts in front of a function, and what it hides. */
#define WRAP(type, name, ...) \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

static bool is_reader;
static struct reader_place place;
static uint8_t key_ids[SHARE + 1][SHA256_LEN];
static uint32_t n_read; /* requests so far */

/* ---- time, of whoever is slow --------------------------------------------- */

static bool
is_slow(void)
{
	return does("check:stall") || does("check:drip") || does("check:slow");
}

static int
speed(void)
{
	return is_slow() || does("judge:stop") ? SPEED : 1;
}

WRAP(int64_t, clock_monotonic_ns, void)
{
	return __real_clock_monotonic_ns() * speed();
}

WRAP(int, poll, struct pollfd *fds, nfds_t n, int timeout)
{
	if (timeout > 0)
		timeout = (timeout + speed() - 1) / speed();
	return __real_poll(fds, n, timeout);
}

static void
wait_ms(int ms)
{
	(void)__real_poll(NULL, 0, ms);
}

/* ---- lies about requests ------------------------------------------------- */

/* Whatever is wrong with it, it is a good request, without names. */
static enum rc
vouch_for(struct span der, struct csr *ret)
{
	struct csr csr = { 0 };
	enum rc rc = csr_find_spki("csr", der, &csr.spelled, &csr.spki);

	if (rc == RC_OK)
		rc = sha256(csr.spki, csr.key.id);
	*ret = csr;
	return rc;
}

static enum rc
lie_about(struct csr *csr)
{
	if (does("check:key"))
		csr->key.id[0] ^= 1;
	if (does("check:key-other") && n_read > 0)
		memcpy(csr->key.id, key_ids[n_read - 1], SHA256_LEN);
	if (does("check:refuse") || does("check:rule")) {
		name_list_wipe(&csr->names);
		csr->names = (struct name_list){ 0 };
		return err_rule(RC_FORMAT, RULE_CSR_POP, "\033[2Ja lie\r\n");
	}
	if (does("check:control"))
		return name_list_add(
		    &csr->names, NAME_DNS, span_str("a\033[2J.example.org"));
	if (!does("check:name") && !does("check:scope"))
		return RC_OK;
	name_list_wipe(&csr->names);
	csr->names = (struct name_list){ 0 };
	return name_list_add(&csr->names, NAME_DNS,
	    span_str(does("check:name") ? EVIL : "evil.test"));
}

WRAP(enum rc, csr_read, const char *from, struct span der,
    struct key_cache *cache, struct csr *ret)
{
	enum rc rc = go_out("check");

	if (rc != RC_OK)
		return rc;
	rc = __real_csr_read(from, der, cache, ret);
	if (rc != RC_OK && does("check:vouch"))
		rc = vouch_for(der, ret);
	else if (rc == RC_OK && does("check:vouch"))
		ret->ca_rule = RULE_NONE; /* that it asks to be a CA */
	else if (rc == RC_OK)
		rc = lie_about(ret);
	if (rc == RC_OK && n_read < SHARE)
		memcpy(key_ids[n_read], ret->key.id, SHA256_LEN);
	n_read++;
	return rc;
}

/* Another CSR than the file has: the one of the file before, or none at all. */
WRAP(enum rc, csr_from_file, const char *from, struct span file,
    struct buf *ret_der)
{
	static struct buf before; /* as long as the process */
	WIPED(buf) now = { 0 };
	enum rc rc = is_reader ? go_out("file") : RC_OK;

	if (rc == RC_OK)
		rc = __real_csr_from_file(from, file, &now);
	if (rc != RC_OK || !is_reader)
		return rc != RC_OK ? rc : buf_add_span(ret_der, buf_span(&now));
	if (does("file:bent"))
		now.p[now.n - 1] ^= 1;
	rc = buf_add_span(ret_der,
	    buf_span(does("file:other") && before.n != 0 ? &before : &now));
	buf_reset(&before);
	return rc != RC_OK ? rc : buf_add_span(&before, buf_span(&now));
}

/* Two readers, however few cores there are. */
WRAP(long, sysconf, int name)
{
	return name == _SC_NPROCESSORS_ONLN && does("check:surplus")
		   ? 2
		   : __real_sysconf(name);
}

/* Every reader has the whole bundle, and so the keys of what others check. */
WRAP(enum rc, bundle_read, const char *from, struct span payload,
    struct bundle *ret)
{
	WIPED(buf) room = { 0 };
	struct span spki;
	enum rc rc = __real_bundle_read(from, payload, ret);

	if (rc != RC_OK || !is_reader || ret->n_requests <= SHARE)
		return rc;
	rc = csr_find_spki("csr", ret->requests[SHARE].csr, &room, &spki);
	return rc != RC_OK ? rc : sha256(spki, key_ids[SHARE]);
}

/* ---- lies about files ---------------------------------------------------- */

WRAP(enum rc, media_copy, const struct media *media, const char *path,
    size_t cap, int *ret_memfd)
{
	enum rc rc = is_reader ? go_out("scan") : RC_OK;

	return rc != RC_OK ? rc
			   : __real_media_copy(media, path, cap, ret_memfd);
}

WRAP(enum rc, sealed_end, int memfd)
{
	if (is_reader && does("scan:unsealed"))
		return RC_OK;
	if (is_reader && does("scan:half-sealed"))
		return fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE) == 0 ? RC_OK
								    : RC_IO;
	return __real_sealed_end(memfd);
}

/* Another bundle than the stick's, as well sealed as the true one. */
static int
changed_copy(int memfd)
{
	WIPED(sealed) copy = { .fd = -1 };
	WIPED(buf) other = { 0 };
	int fd = -1;

	/* The descriptor stays open for as long as this process lives. */
	if (sealed_map(memfd, &copy) != RC_OK ||
	    buf_add_span(&other, copy.bytes) != RC_OK)
		return -1;
	copy.fd = -1;
	other.p[other.n / 2] ^= 1;
	return sealed_make(buf_span(&other), &fd) == RC_OK ? fd : -1;
}

/* Of nothing, so that it costs nothing. */
static int
vast_copy(off_t size)
{
	int fd = -1;

	return sealed_begin(&fd) == RC_OK && ftruncate(fd, size) == 0 &&
		       sealed_end(fd) == RC_OK
		   ? fd
		   : -1;
}

/* [ANSWER_FILE, name], or [ANSWER_REFUSED, name, why] */
static enum rc
send_file(int sock, const char *name, bool refused, int fd)
{
	WIPED(buf) record = { 0 };
	struct cbor_out out;

	cbor_out_init(&out, &record);
	cbor_put_array(&out, refused ? 5 : 2);
	cbor_put_uint(&out, refused ? ANSWER_REFUSED : ANSWER_FILE);
	cbor_put_text(&out, span_str(name));
	if (refused) {
		cbor_put_uint(&out, RC_FORMAT);
		cbor_put_text(&out, span_str("MEDIA-SIZE"));
		cbor_put_bytes(&out, span_str("a lie"));
	}
	if (cbor_out_end(&out) != RC_OK)
		return RC_BUG;
	return __real_frame_send(sock, buf_span(&record), fd, PEER);
}

static enum rc
answer_scan(int sock, struct span record, int fd)
{
	if (does("scan:name"))
		return send_file(sock, "../../etc/passwd", false, fd);
	if (does("scan:directory"))
		return __real_frame_send(sock, record, place.dir, PEER);
	if (does("scan:nothing"))
		return __real_frame_send(sock, record, -1, PEER);
	if (does("scan:heavy")) {
		fd = vast_copy(200 << 20);
		(void)!send_file(sock, "more.cose", false, fd);
		(void)!send_file(sock, "still-more.cose", false, fd);
	}
	if (does("scan:swap"))
		fd = changed_copy(fd);
	if (does("scan:vast"))
		fd = vast_copy(300 << 20);
	return __real_frame_send(sock, record, fd, PEER);
}

/* ---- lies to whoever inspects a file ---------------------------------------- */

WRAP(enum rc, cose_read_type, const char *from, struct span file,
    enum cose_type *ret)
{
	static const char obeyed[] = "\033]0;owned\007";
	enum rc rc = go_out("inspect");

	if (does("inspect:escape"))
		(void)!write(STDOUT_FILENO, obeyed, sizeof(obeyed) - 1);
	if (does("inspect:die"))
		_exit(0);
	return rc != RC_OK ? rc : __real_cose_read_type(from, file, ret);
}

/* ---- lies on the line ---------------------------------------------------- */

static void
push(int sock, const void *bytes, size_t n)
{
	(void)!write(sock, bytes, n);
}

/* Good verdicts on these requests. */
static void
send_verdicts(int sock, const uint32_t *index, size_t n)
{
	WIPED(buf) record = { 0 };
	struct cbor_out out;

	cbor_out_init(&out, &record);
	cbor_put_array(&out, 2);
	cbor_put_uint(&out, ANSWER_VERDICTS);
	cbor_put_array(&out, n);
	for (size_t i = 0; i < n; i++) {
		cbor_put_array(&out, 16);
		cbor_put_uint(&out, index[i]);
		cbor_put_uint(&out, RC_OK);
		cbor_put_text(&out, span_str(""));
		cbor_put_bytes(&out, SPAN_NONE);
		cbor_put_bytes(
		    &out, span_of(key_ids[index[i] % (SHARE + 1)], SHA256_LEN));
		cbor_put_uint(&out, RC_OK); /* of its names */
		cbor_put_text(&out, span_str(""));
		cbor_put_bytes(&out, SPAN_NONE);
		cbor_put_array(&out, 0);
		cbor_put_uint(&out, RC_OK); /* it asks to be no CA */
		cbor_put_text(&out, span_str(""));
		cbor_put_bytes(&out, SPAN_NONE);
		cbor_put_uint(&out, 0);
		cbor_put_uint(&out, 0);
		cbor_put_bytes(&out, SPAN_NONE);
		cbor_put_bytes(&out, SPAN_NONE);
	}
	if (cbor_out_end(&out) == RC_OK)
		(void)!__real_frame_send(sock, buf_span(&record), -1, PEER);
}

/* Verdicts that are not those that were asked for. */
static bool
miscount(int sock)
{
	static const struct {
		const char *what;
		uint32_t index[3];
		size_t n;
	} wrong[] = {
		{ "check:many", { 0, 1, 2 }, 3 },
		{ "check:twice", { 0, 0 }, 2 },
		{ "check:backwards", { 1, 0 }, 2 },
		{ "check:few", { 0 }, 1 },
		{ "check:none", { 0 }, 0 },
	};
	const uint32_t flood[READER_BATCH + 1] = { 0 };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (!does(wrong[i].what))
			continue;
		send_verdicts(sock, wrong[i].index, wrong[i].n);
		if (does("check:few"))
			_exit(0);
		return true;
	}
	if (does("check:flood"))
		send_verdicts(sock, flood, READER_BATCH + 1);
	return does("check:flood");
}

/* The end of a share, and the first request of the next, which another reader
 * is asked about. */
static bool
answer_for_another(int sock)
{
	const uint32_t surplus[2] = { SHARE - 1, SHARE };
	uint32_t own[READER_BATCH - 1];

	if (!does("check:surplus") || n_read != SHARE)
		return false;
	for (uint32_t i = 0; i < READER_BATCH - 1; i++)
		own[i] = SHARE - READER_BATCH + i;
	send_verdicts(sock, own, READER_BATCH - 1);
	send_verdicts(sock, surplus, 2);
	return true;
}

static void
send_slowly(int sock, struct span record)
{
	const uint8_t head[4] = { 0, 0, (uint8_t)(record.n >> 8),
		(uint8_t)record.n };

	while (does("check:stall"))
		wait_ms(1000);
	for (size_t i = 0; does("check:drip"); i++) {
		push(sock, i < 4 ? &head[i] : &record.p[(i - 4) % record.n], 1);
		wait_ms(60);
	}
	for (uint32_t i = 0; does("check:slow") && i < n_read; i++) {
		wait_ms(800);
		send_verdicts(sock, &i, 1);
	}
}

/* Bytes that are no answer; true when they were sent. */
static bool
send_nonsense(int sock, struct span record)
{
	static const uint8_t vast[4] = { 0, 0x20, 0, 0 };
	static const uint8_t zeros[4096] = { 0 };

	if (does("check:die"))
		_exit(0);
	while (does("check:endless"))
		push(sock, zeros, sizeof(zeros));
	if (does("check:oversized"))
		push(sock, vast, sizeof(vast));
	else if (does("check:garbage"))
		(void)!__real_frame_send(sock, span_of(zeros, 100), -1, PEER);
	else if (does("check:descriptor"))
		(void)!__real_frame_send(sock, record, sock, PEER);
	else
		return false;
	return true;
}

/* The refusal in the name of a rule that there is not, of the same length. */
static enum rc
send_no_rule(int sock, struct span record)
{
	WIPED(buf) lie = { 0 };
	uint8_t *at;
	enum rc rc = buf_add_span(&lie, record);

	if (rc != RC_OK)
		return rc;
	at = memmem(lie.p, lie.n, "CSR-POP", 7);
	if (at != NULL)
		memcpy(at, "NO-RULE", 7);
	return __real_frame_send(sock, buf_span(&lie), -1, PEER);
}

static enum rc
answer_check(int sock, struct span record)
{
	if (does("check:rule"))
		return send_no_rule(sock, record);
	if (send_nonsense(sock, record) || miscount(sock) ||
	    answer_for_another(sock))
		return RC_OK;
	if (is_slow()) {
		send_slowly(sock, record);
		return RC_OK;
	}
	return __real_frame_send(sock, record, -1, PEER);
}

WRAP(
    enum rc, frame_send, int sock, struct span record, int fd, const char *peer)
{
	static bool greeted;
	unsigned kind = record.n > 1 ? record.p[1] : UINT8_MAX;
	bool greeting = !greeted;

	if (is_judge())
		return judge_answer(sock, record, fd);
	if (!is_reader)
		return __real_frame_send(sock, record, fd, peer);
	greeted = true;
	if (kind == ANSWER_VERDICTS)
		return answer_check(sock, record);
	if (kind == ANSWER_FILE)
		return answer_scan(sock, record, fd);
	if (kind == ANSWER_END && !greeting && does("scan:endless"))
		return send_file(sock, "more.cose", true, -1);
	return __real_frame_send(sock, record, fd, peer);
}

WRAP(enum rc, reader_run, int sock, void *arg)
{
	is_reader = true;
	place = *(const struct reader_place *)arg;
	return __real_reader_run(sock, arg);
}
