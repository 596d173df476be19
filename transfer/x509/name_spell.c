/* SPDX-License-Identifier: Apache-2.0 */
/* From what a person types to the one spelling of a name. Whether a name is in
 * that spelling is not asked here. */
#include "transfer/x509/name_spell.h"

#include "transfer/x509/name_ip.h"
#include "transfer/x509/name_jid.h"

static enum rc
add_domain(struct span domain, struct buf *out)
{
	size_t before = out->n;

	if (!span_is_ascii(domain) && domain_to_ascii(domain, true, out))
		return RC_OK;
	out->n = before;
	return add_lowered(out, domain);
}

enum rc
spell_host(const struct name_parts *parts, struct buf *out)
{
	enum rc rc = add_lowered(out, parts->head);

	if (rc == RC_OK)
		rc = add_domain(parts->domain, out);
	return rc != RC_OK ? rc : buf_add_span(out, parts->tail);
}

/* RFC 5321 2.4: a local part's case is its host's affair. */
enum rc
spell_email(const struct name_parts *parts, struct buf *out)
{
	enum rc rc = buf_add_span(out, parts->head);

	return rc != RC_OK ? rc : add_domain(parts->domain, out);
}

enum rc
spell_xmpp(const struct name_parts *parts, struct buf *out)
{
	struct span local = parts->head;
	WIPED(buf) ascii = { 0 };
	size_t before;
	enum rc rc;

	local.n--; /* the '@' */
	rc = jid_local_prepare(local, out);
	if (rc == RC_OK)
		rc = buf_add_byte(out, '@');
	if (rc != RC_OK)
		return rc;
	before = out->n;
	/* by way of the A-labels, so that it is mapped */
	if (domain_to_ascii(parts->domain, true, &ascii) &&
	    domain_to_unicode(buf_span(&ascii), out))
		return RC_OK;
	out->n = before;
	return add_lowered(out, parts->domain);
}

enum rc
spell_address(const struct name_parts *parts, struct buf *out)
{
	return ip_spell(parts->tail, out);
}
