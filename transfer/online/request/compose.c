/* SPDX-License-Identifier: Apache-2.0 */
/* Requests are read by the same code in the same process that the CA has for
 * it, so a CSR that would be refused there never leaves, and one that breaks
 * its parser gets neither store nor keys. Bundle and store are one transaction:
 * a bundle that was signed but is not on record could be answered and then not
 * be recognised. */
#include "transfer/online/request/compose.h"

#include "base/list.h"
#include "base/own_ssl.h"
#include "transfer/online/request/compose_uses.h"
#include "transfer/online/request/sent.h"
#include "transfer/online/store/emergency.h"
#include "transfer/online/store/store_revocation.h"
#include "transfer/rule.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

static void
composed_wipe(struct composed *c)
{
	buf_wipe(&c->csr);
	name_list_wipe(&c->names);
	name_list_wipe(&c->csr_names);
	free(c->names_reason);
	free(c->ca_reason);
	buf_wipe(&c->ca_constraints);
	free(c->comment);
	free(c->key_file);
	EVP_PKEY_free(c->new_key);
	buf_wipe(&c->replaces);
}

void
compose_wipe(struct compose *compose)
{
	for (size_t i = 0; i < compose->n; i++)
		composed_wipe(&compose->items[i]);
	free(compose->items);
	free(compose->revocations);
	for (size_t i = 0; i < compose->n_revoked; i++)
		buf_wipe(&compose->revoked[i]);
	free(compose->revoked);
	key_cache_wipe(&compose->keys);
	digest_set_wipe(&compose->ids);
	digest_set_wipe(&compose->renewed);
	*compose = (struct compose){ 0 };
}

void
composed_bundle_wipe(struct composed_bundle *bundle)
{
	buf_wipe(&bundle->file);
}

/* ---- adding -------------------------------------------------------------- */

/* Letters, digits, '.' and '-', beginning and ending in the former. */
static void
fit_id(struct span wish, char ret[static REQUEST_ID_MAX + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < wish.n && n < REQUEST_ID_MAX - 8; i++) {
		uint8_t c = wish.p[i];
		bool plain;

		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c - 'A' + 'a');
		plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (plain)
			ret[n++] = (char)c;
		else if (n != 0)
			ret[n++] = c == '.' ? '.' : '-';
	}
	while (n != 0 && (ret[n - 1] == '.' || ret[n - 1] == '-'))
		n--;
	if (n == 0)
		ret[n++] = 'r';
	ret[n] = '\0';
}

static enum rc
choose_id(struct compose *c, struct span wish, char ret[REQUEST_ID_MAX + 1])
{
	char base[REQUEST_ID_MAX + 1];
	uint8_t digest[SHA256_LEN];
	bool is_new = false;
	enum rc rc = RC_OK;

	fit_id(wish, base);
	(void)snprintf(ret, REQUEST_ID_MAX + 1, "%s", base);
	for (unsigned n = 2; rc == RC_OK; n++) {
		rc = sha256(span_str(ret), digest);
		if (rc == RC_OK)
			rc = digest_set_add(&c->ids, digest, 0, &is_new);
		if (is_new)
			break;
		(void)snprintf(ret, REQUEST_ID_MAX + 1, "%.54s-%u", base, n);
	}
	return rc;
}

static enum rc
compose_make_room(struct compose *c)
{
	if (c->n == COMPOSE_MAX)
		return err_set(RC_USAGE, "more than %d requests", COMPOSE_MAX);
	return LIST_GROW(c->items, c->n);
}

/* Take the item over, with a name of its own. */
static enum rc
compose_put(struct compose *c, struct span csr_der, struct span id,
    struct composed *item)
{
	enum rc rc = choose_id(c, id, item->id);

	if (rc == RC_OK)
		rc = buf_add_span(&item->csr, csr_der);
	if (rc != RC_OK)
		return rc;
	c->items[c->n++] = *item;
	*item = (struct composed){ 0 };
	return RC_OK;
}

static enum rc
take_ca(struct composed *item, const struct csr_ca_wish *ca)
{
	enum rc rc = buf_add_span(&item->ca_constraints, ca->constraints);

	item->ca = *ca;
	item->ca.constraints = SPAN_NONE; /* the other's */
	return rc;
}

enum rc
compose_add(
    struct compose *c, const char *from, struct span csr_der, struct span id)
{
	WIPED(composed) item = { 0 };
	WIPED(csr) csr = { 0 };
	enum rc rc = compose_make_room(c);

	if (rc == RC_OK)
		rc = csr_read(from, csr_der, &c->keys, &csr);
	if (rc != RC_OK)
		return rc;
	item.key = csr.key;
	item.csr_names = csr.names;
	csr.names = (struct name_list){ 0 };
	item.names_rule = csr.names_rule;
	item.names_reason = MOVE(csr.names_reason);
	item.ca_rule = csr.ca_rule;
	item.ca_reason = MOVE(csr.ca_reason);
	rc = take_ca(&item, &csr.ca);
	return rc != RC_OK ? rc : compose_put(c, csr_der, id, &item);
}

/* What it says of an item that some profiles would be refused for. */
static enum rc
keep_reason(enum rule rule, struct span reason, char **ret)
{
	if (rule == RULE_NONE)
		return RC_OK;
	*ret = strndup((const char *)reason.p, reason.n);
	return *ret == NULL ? err_memory() : RC_OK;
}

static enum rc
take_verdict(struct composed *item, struct verdict *v)
{
	enum rc rc;

	item->csr_names = v->names;
	v->names = (struct name_list){ 0 };
	item->names_rule = v->names_rule;
	item->ca_rule = v->ca_rule;
	rc = keep_reason(v->names_rule, v->names_reason, &item->names_reason);
	if (rc == RC_OK)
		rc = keep_reason(v->ca_rule, v->ca_reason, &item->ca_reason);
	return rc != RC_OK ? rc : take_ca(item, &v->ca);
}

enum rc
compose_add_read(struct compose *c, const char *from, struct span csr_der,
    struct span id, struct verdict *v)
{
	WIPED(composed) item = { 0 };
	WIPED(buf) room = { 0 };
	struct span spki;
	enum rc rc = compose_make_room(c);

	if (rc == RC_OK)
		rc = verdict_prove_key(v, from, csr_der, &room, &spki);
	if (rc == RC_OK)
		rc = key_shape(from, spki, &item.key);
	if (rc == RC_OK)
		rc = take_verdict(&item, v);
	return rc != RC_OK ? rc : compose_put(c, csr_der, id, &item);
}

/* ---- a CSR of our own ---------------------------------------------------- */

static enum rc
add_san(X509_REQ *req, const struct name *names, size_t n)
{
	OWN(GENERAL_NAMES) *san = NULL;
	STACK_OF(X509_EXTENSION) *list = NULL;
	bool good;
	enum rc rc;

	if (n == 0)
		return RC_OK;
	rc = names_to_san(names, n, &san);
	if (rc != RC_OK)
		return rc;
	good = X509V3_add1_i2d(&list, NID_subject_alt_name, san, 1,
		   X509V3_ADD_DEFAULT) == 1 &&
	       X509_REQ_add_extensions(req, list) == 1;
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return good ? RC_OK
		    : err_openssl(RC_BUG, "a CSR's names cannot be written");
}

enum rc
compose_csr(
    EVP_PKEY *key, const struct name *names, size_t n, struct buf *ret_der)
{
	OWN(X509_REQ) *req = X509_REQ_new();
	OWN(ssl_bytes) *der = NULL;
	const EVP_MD *md = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
	int len;
	enum rc rc;

	if (req == NULL || X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 ||
	    X509_REQ_set_pubkey(req, key) != 1)
		return err_openssl(RC_BUG, "a CSR cannot be made");
	rc = add_san(req, names, n);
	if (rc != RC_OK)
		return rc;
	if (X509_REQ_sign(req, key, md) <= 0)
		return err_openssl(RC_BUG, "a CSR cannot be signed");
	len = i2d_X509_REQ(req, &der);
	if (len < 0)
		return err_openssl(RC_BUG, "a CSR cannot be written");
	return buf_add(ret_der, der, (size_t)len);
}

/* ---- checking ------------------------------------------------------------ */

static void
request_of(const struct composed *c, struct cert_request *ret)
{
	*ret = (struct cert_request){
		.id = span_str(c->id),
		.csr = buf_span(&c->csr),
		.profile = span_str(c->profile),
		.validity = c->validity,
		.comment =
		    c->comment == NULL ? SPAN_NONE : span_str(c->comment),
		.replaces = buf_span(&c->replaces),
		.names = c->names.n == 0 ? NULL : c->names.items,
		.n_names = c->names.n,
	};
}

struct names_chosen
composed_names(const struct compose *compose, const struct composed *item)
{
	struct cert_request request;

	request_of(item, &request);
	return request_names(
	    policy_profile_get0(&compose->store->policy, request.profile),
	    &request,
	    (struct names_chosen){ item->csr_names.items, item->csr_names.n });
}

static enum rc
compose_check_one(const struct compose *compose, const struct ca_window *window,
    const struct composed *c, struct key_uses *uses)
{
	struct cert_request request;
	struct grant grant;
	struct ask ask;
	bool revoked = false;
	enum rc rc = store_key_is_revoked(compose->store, c->key.id, &revoked);

	if (rc == RC_OK && revoked)
		return rule_refuse(RULE_KEY_REVOKED,
		    "%s: its key was revoked as compromised", c->id);
	if (rc != RC_OK)
		return rc;
	request_of(c, &request);
	if (c->ca_rule != RULE_NONE &&
	    !request_makes_ca(&compose->store->policy, &request))
		return rule_refuse(c->ca_rule, "%s", c->ca_reason);
	if (c->names_rule != RULE_NONE &&
	    request_wants_csr_names(&compose->store->policy, &request))
		return rule_refuse(c->names_rule, "%s", c->names_reason);
	ask = (struct ask){ .from = c->id,
		.label = span_str(compose->store->label),
		.request = &request,
		.key = c->key,
		.csr_names = c->csr_names.items,
		.n_csr_names = c->csr_names.n,
		.csr_ca = c->ca };
	ask.csr_ca.constraints = buf_span(&c->ca_constraints);
	rc = csr_find_subject(c->id, request.csr, &ask.csr_subject);
	if (rc != RC_OK)
		return rc;
	rc = request_check(
	    &compose->store->policy, window, compose->now, &ask, &grant);
	return rc != RC_OK ? rc : key_uses_take(uses, c->id, c->key.id, &grant);
}

enum rc
compose_check(struct compose *compose,
    void (*each)(enum rule rule, const char *reason), size_t *ret_refused)
{
	const struct trust *trust = &compose->store->trust;
	WIPED(key_uses) uses = { 0 };
	struct ca_window window;
	struct err_saved first;
	enum rc result =
	    trust_window(trust, buf_span(&trust->transfer_cert), &window);

	*ret_refused = 0;
	if (result == RC_OK)
		result = compose_uses_read(compose, &uses);
	if (result != RC_OK)
		return result;
	for (size_t i = 0; i < compose->n; i++) {
		enum rc rc = compose_check_one(
		    compose, &window, &compose->items[i], &uses);

		if (rc == RC_OK)
			continue;
		if (rule_spoken() == RULE_CLOCK_CA) { /* for all of them */
			*ret_refused = 0;
			return rc;
		}
		++*ret_refused;
		if (each != NULL)
			each(rule_spoken(), err_text());
		if (result == RC_OK) {
			err_save(&first);
			result = rc;
		}
	}
	if (result != RC_OK)
		err_restore(&first);
	return result;
}

/* ---- revocations --------------------------------------------------------- */

static enum rc
own_span(struct compose *c, struct span bytes, struct span *ret)
{
	struct buf *copy;
	enum rc rc = LIST_GROW(c->revoked, c->n_revoked);

	if (rc != RC_OK)
		return rc;
	copy = &c->revoked[c->n_revoked++];
	*copy = (struct buf){ 0 };
	rc = buf_add_span(copy, bytes);
	*ret = buf_span(copy);
	return rc;
}

enum rc
compose_revoke(struct compose *c, const struct revocation *r)
{
	struct revocation copy = *r;
	enum rc rc;

	for (size_t i = 0; i < c->n_revocations; i++)
		if (span_eq(c->revocations[i].serial, r->serial) &&
		    span_eq(c->revocations[i].key_id, r->key_id))
			return RC_OK;
	if (c->n_revocations == REVOCATIONS_MAX)
		return err_set(RC_USAGE,
		    "more than %d revocations; --key revokes all certificates of a key by one",
		    REVOCATIONS_MAX);
	rc = LIST_GROW(c->revocations, c->n_revocations);
	if (rc == RC_OK && r->serial.n != 0)
		rc = own_span(c, r->serial, &copy.serial);
	if (rc == RC_OK && r->key_id.n != 0)
		rc = own_span(c, r->key_id, &copy.key_id);
	if (rc == RC_OK)
		c->revocations[c->n_revocations++] = copy;
	return rc;
}

/* ---- again --------------------------------------------------------------- */

/* Bundles come in order, so that the one just opened serves for long. */
struct again {
	struct compose *compose;
	struct sent sent;
};

static void
again_wipe(struct again *a)
{
	sent_wipe(&a->sent);
}

static enum rc
copy_request(struct composed *to, const struct cert_request *r,
    const struct unanswered *u)
{
	enum rc rc = RC_OK;

	(void)snprintf(
	    to->profile, sizeof(to->profile), "%.*s", SPAN_FMT(r->profile));
	to->validity = r->validity;
	to->standing = u->standing;
	to->since = u->since;
	to->replaced = u->replaced;
	if (r->replaces.n != 0)
		rc = buf_add_span(&to->replaces, r->replaces);
	for (size_t i = 0; i < r->n_names && rc == RC_OK; i++)
		rc = name_list_add(
		    &to->names, r->names[i].type, r->names[i].text);
	if (rc == RC_OK && r->comment.n != 0) {
		to->comment = strndup((const char *)r->comment.p, r->comment.n);
		rc = to->comment == NULL ? err_memory() : RC_OK;
	}
	if (rc == RC_OK && u->key_file.n != 0) {
		to->key_file =
		    strndup((const char *)u->key_file.p, u->key_file.n);
		rc = to->key_file == NULL ? err_memory() : RC_OK;
	}
	return rc;
}

static enum rc
add_again(void *arg, const struct unanswered *u)
{
	struct again *a = arg;
	struct compose *c = a->compose;
	const struct cert_request *r = NULL;
	WIPED(verdict) v = { 0 };
	enum rc rc = RC_OK;

	if (a->sent.sequence != u->sequence)
		rc = sent_open(&a->sent, u->sequence, u->file);
	if (rc == RC_OK)
		rc = sent_request(&a->sent, u->place, &r);
	if (rc == RC_OK)
		rc = sent_read(&a->sent, c->reader, u->place, &v);
	if (rc == RC_OK)
		rc = compose_add_read(c, "stored request", r->csr, r->id, &v);
	return rc != RC_OK ? rc : copy_request(&c->items[c->n - 1], r, u);
}

static enum rc
revoke_again(void *arg, const struct revocation *r)
{
	return compose_revoke(arg, r);
}

enum rc
compose_again(struct compose *compose)
{
	WIPED(again) a = { .compose = compose };
	enum rc rc = store_each_unanswered(compose->store, add_again, &a);

	if (rc == RC_OK)
		rc =
		    store_each_unrevoked(compose->store, revoke_again, compose);
	if (rc == RC_OK && compose->n == 0 && compose->n_revocations == 0)
		rc = err_set(RC_STATE, "nothing is unanswered");
	return rc;
}

/* ---- the bundle ---------------------------------------------------------- */

struct lists {
	struct cert_request *requests; /* owned */
	struct sent_request *sent;     /* owned */
	uint64_t *shadows;	       /* owned; their numbers */
	size_t n_shadows;
};

static void
lists_wipe(struct lists *l)
{
	free(l->requests);
	free(l->sent);
	free(l->shadows);
}

static enum rc
make_lists(const struct compose *c, struct lists *l)
{
	l->requests = calloc(c->n + 1, sizeof(*l->requests));
	l->sent = calloc(c->n + 1, sizeof(*l->sent));
	if (l->requests == NULL || l->sent == NULL)
		return err_memory();
	for (size_t i = 0; i < c->n; i++) {
		const struct composed *item = &c->items[i];
		const struct names_chosen names = composed_names(c, item);

		request_of(item, &l->requests[i]);
		l->sent[i] = (struct sent_request){ names.items, names.n,
			item->key_file, item->standing, item->since };
	}
	return emergency_numbers(c->store, &l->shadows, &l->n_shadows);
}

static enum rc
sign_bundle(const struct bundle *bundle, EVP_PKEY *key, struct buf *ret_file)
{
	WIPED(buf) payload = { 0 };
	uint8_t kid[SHA256_LEN];
	enum rc rc = bundle_write(bundle, &payload);

	if (rc == RC_OK)
		rc = key_id_of(key, kid);
	if (rc == RC_OK)
		rc = cose_sign(COSE_BUNDLE, key, span_of(kid, SHA256_LEN),
		    buf_span(&payload), ret_file);
	return rc;
}

static enum rc
compose_record(struct compose *c, const struct bundle *bundle, EVP_PKEY *key,
    const struct lists *l, struct composed_bundle *b)
{
	enum rc rc = sign_bundle(bundle, key, &b->file);

	if (rc == RC_OK)
		rc = store_bundle_add(
		    c->store, bundle, buf_span(&b->file), l->sent);
	if (rc == RC_OK)
		rc = store_revocations_put(c->store, bundle);
	return rc != RC_OK ? rc : store_commit(c->store);
}

enum rc
compose_finish(struct compose *c, EVP_PKEY *requester, bool has_expires,
    int64_t expires, struct composed_bundle *ret)
{
	WIPED(composed_bundle) b = { 0 };
	WIPED(lists) l = { 0 };
	struct bundle bundle = { .created = c->now,
		.has_expires = has_expires,
		.expires = expires,
		.has_head = c->store->channel.has_head,
		.head = c->store->channel.head,
		.label = span_str(c->store->label),
		.spki = buf_span(&c->store->spki) };
	enum rc rc = make_lists(c, &l);

	if (rc == RC_OK && RAND_bytes(b.id, BUNDLE_ID_LEN) != 1)
		rc = err_openssl(RC_BUG, "no randomness");
	if (rc == RC_OK)
		rc = store_begin(c->store);
	if (rc == RC_OK)
		rc = store_next_sequence(c->store, c->now, &b.sequence);
	if (rc != RC_OK)
		return rc;
	memcpy(bundle.id, b.id, BUNDLE_ID_LEN);
	memcpy(bundle.ca_id, c->store->trust.ca_id, SHA256_LEN);
	bundle.sequence = b.sequence;
	bundle.requests = l.requests;
	bundle.n_requests = c->n;
	bundle.revocations = c->revocations;
	bundle.n_revocations = c->n_revocations;
	bundle.has_crl = c->has_crl;
	bundle.crl = c->crl;
	bundle.shadow_crls = l.shadows;
	bundle.n_shadow_crls = l.n_shadows;
	rc = compose_record(c, &bundle, requester, &l, &b);
	if (rc != RC_OK) {
		store_rollback(c->store);
		return rc;
	}
	*ret = b;
	b = (struct composed_bundle){ 0 };
	return RC_OK;
}
