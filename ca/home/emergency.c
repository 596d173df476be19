/* SPDX-License-Identifier: Apache-2.0 */
/* A line for each requester: its key-id in hex, a blank, the passphrase. */
#include "ca/home/emergency.h"

#include "base/file.h"
#include "transfer/format/shadow.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <unistd.h>

#define EMERGENCY_MAX ((size_t)64 << 10) /* bytes; some 600 requesters */
#define ID_HEX (2 * SHA256_LEN)

static enum rc
emergency_read(const struct home *home, struct buf *text)
{
	enum rc rc;

	if (faccessat(home->fd, HOME_EMERGENCY, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return RC_OK;
	rc = file_read(home->fd, HOME_EMERGENCY, EMERGENCY_MAX, text);
	return rc != RC_OK ? err_in(rc, "%s", home->path) : RC_OK;
}

static struct span
find_passphrase(
    struct span text, const uint8_t key_id[static SHA256_LEN], bool *ret_whole)
{
	char hex[SHA256_HEX];
	struct span found = SPAN_NONE;

	hex_write(span_of(key_id, SHA256_LEN), hex);
	*ret_whole = true;
	while (text.n != 0) {
		struct span line = span_take_line(&text);

		if (line.n != ID_HEX + SHADOW_PASS_TEXT ||
		    line.p[ID_HEX] != ' ')
			*ret_whole = false;
		else if (memcmp(line.p, hex, ID_HEX) == 0)
			found =
			    span_of(line.p + ID_HEX + 1, SHADOW_PASS_TEXT - 1);
	}
	return found;
}

static enum rc
passphrase_take(const struct home *home, struct span text,
    const uint8_t key_id[static SHA256_LEN], struct span *ret)
{
	bool whole;

	*ret = find_passphrase(text, key_id, &whole);
	return whole
		   ? RC_OK
		   : err_set(RC_STATE,
			 "%s/" HOME_EMERGENCY
			 ": wanted lines of a key's SHA-256, a blank and a passphrase",
			 home->path);
}

enum rc
emergency_get(const struct home *home, const uint8_t key_id[static SHA256_LEN],
    struct buf *ret, bool *ret_any)
{
	WIPED(buf) text = { 0 };
	struct span found;
	enum rc rc = emergency_read(home, &text);

	if (rc == RC_OK)
		rc = passphrase_take(home, buf_span(&text), key_id, &found);
	if (rc != RC_OK)
		return rc;
	*ret_any = found.n != 0;
	return buf_add_span(ret, found);
}

static enum rc
emergency_draw(struct buf *text, const uint8_t key_id[static SHA256_LEN])
{
	uint8_t bytes[SHADOW_PASS_BYTES];
	char pass[SHADOW_PASS_TEXT], hex[SHA256_HEX];
	enum rc rc;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return err_openssl(RC_IO, "no random bytes");
	shadow_pass_write(bytes, pass);
	hex_write(span_of(key_id, SHA256_LEN), hex);
	rc = buf_reserve(text, ID_HEX + SHADOW_PASS_TEXT + 2);
	if (rc == RC_OK)
		rc = buf_add_str(text, hex);
	if (rc == RC_OK)
		rc = buf_add_byte(text, ' ');
	if (rc == RC_OK)
		rc = buf_add_str(text, pass);
	if (rc == RC_OK)
		rc = buf_add_byte(text, '\n');
	OPENSSL_cleanse(bytes, sizeof(bytes));
	OPENSSL_cleanse(pass, sizeof(pass));
	return rc;
}

enum rc
emergency_need(const struct home *home, const uint8_t key_id[static SHA256_LEN],
    bool *ret_new)
{
	WIPED(buf) text = { 0 };
	struct span found;
	enum rc rc = emergency_read(home, &text);

	if (rc == RC_OK)
		rc = passphrase_take(home, buf_span(&text), key_id, &found);
	if (rc != RC_OK)
		return rc;
	*ret_new = found.n == 0;
	if (!*ret_new)
		return RC_OK;
	rc = emergency_draw(&text, key_id);
	return rc == RC_OK ? file_replace(home->fd, HOME_EMERGENCY,
				 buf_span(&text), 0600)
			   : rc;
}
