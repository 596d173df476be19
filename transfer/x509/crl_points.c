/* SPDX-License-Identifier: Apache-2.0 */
/* The value is strict DER by now; what is no URI in a fullName is copied, and
 * nothing is said of it. */
#include "transfer/x509/crl_points.h"

#include "transfer/x509/der.h"

#include <string.h>
#include <strings.h>

void
crl_mark_write(
    const uint8_t key_id[static SHA256_LEN], char ret[static CRL_MARK_TEXT])
{
	hex_write(span_of(key_id, CRL_MARK_LEN / 2), ret);
}

/* ---- one URI ------------------------------------------------------------- */

/* What nobody mistakes for a path, an option or one of our temporary files. */
static bool
is_plain(struct span name)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	for (size_t i = 0; i < name.n; i++)
		if (memchr(plain, name.p[i], sizeof(plain) - 1) == NULL)
			return false;
	return name.n > 0 && name.n + CRL_MARK_LEN + 1 <= CRL_NAME_MAX &&
	       name.p[0] != '.' && name.p[0] != '-';
}

static bool
begins(struct span uri, const char *scheme)
{
	const size_t n = strlen(scheme);

	return uri.n > n && strncasecmp((const char *)uri.p, scheme, n) == 0;
}

struct span
crl_uri_file(struct span uri)
{
	const size_t host = begins(uri, "http://")    ? strlen("http://")
			    : begins(uri, "https://") ? strlen("https://")
						      : 0;
	size_t at = uri.n;
	struct span file;

	while (at > 0 && uri.p[at - 1] != '/')
		at--;
	if (host == 0 || at <= host)
		return SPAN_NONE;
	file = span_of(uri.p + at, uri.n - at);
	return is_plain(file) ? file : SPAN_NONE;
}

enum rc
crl_uri_mark(struct span uri, const char *mark, struct buf *out)
{
	const struct span file = crl_uri_file(uri);
	size_t at = uri.n;
	enum rc rc;

	if (file.n == 0)
		return buf_add_span(out, uri);
	for (size_t i = uri.n; i > uri.n - file.n; i--)
		if (uri.p[i - 1] == '.') {
			at = i - 1;
			break;
		}
	rc = buf_add(out, uri.p, at);
	if (rc == RC_OK)
		rc = buf_add_byte(out, '-');
	if (rc == RC_OK)
		rc = buf_add_str(out, mark);
	return rc != RC_OK ? rc : buf_add(out, uri.p + at, uri.n - at);
}

/* ---- all of them --------------------------------------------------------- */

/* CRLDistributionPoints, DistributionPoint, distributionPoint, fullName, URI.
 */
static const uint8_t points_path[] = { DER_SEQUENCE, DER_SEQUENCE,
	DER_EXPLICIT(0), DER_EXPLICIT(0), DER_CONTEXT(6) };
#define POINTS_DEPTH sizeof(points_path)

/* What is done with each URI: it is marked, or told. */
struct points_walk {
	const char *mark;
	crl_uri_fn *see;
	void *arg;
};

static enum rc
walk_uri(const struct points_walk *w, struct span uri, struct buf *out)
{
	WIPED(buf) marked = { 0 };
	enum rc rc;

	if (w->see != NULL)
		return w->see(w->arg, uri);
	rc = crl_uri_mark(uri, w->mark, &marked);
	return rc != RC_OK ? rc
			   : der_put(out, DER_CONTEXT(6), buf_span(&marked));
}

/* The values on one level; as deep as the path is long. */
static enum rc
walk_level(
    const struct points_walk *w, size_t level, struct span in, struct buf *out)
{
	struct der one;
	enum rc rc = RC_OK;

	while (rc == RC_OK && der_next(&in, &one)) {
		WIPED(buf) inner = { 0 };

		if (one.tag != points_path[level]) {
			rc = buf_add_span(out, one.whole);
			continue;
		}
		if (level + 1 == POINTS_DEPTH) {
			rc = walk_uri(w, one.content, out);
			continue;
		}
		rc = walk_level(w, level + 1, one.content, &inner);
		if (rc == RC_OK)
			rc = der_put(out, one.tag, buf_span(&inner));
	}
	return rc;
}

enum rc
crl_points_mark(struct span value, const char *mark, struct buf *out)
{
	const struct points_walk w = { .mark = mark };

	return walk_level(&w, 0, value, out);
}

enum rc
crl_points_each(struct span value, crl_uri_fn *see, void *arg)
{
	const struct points_walk w = { .see = see, .arg = arg };
	WIPED(buf) nothing = { 0 };

	return walk_level(&w, 0, value, &nothing);
}
