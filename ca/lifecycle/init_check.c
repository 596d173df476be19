/* SPDX-License-Identifier: Apache-2.0 */
/* What `init` checks before it touches anything. */
#include "ca/lifecycle/init.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/own_ssl.h"
#include "ca/home/act.h"
#include "transfer/policy/subject.h"
#include "transfer/x509/cert.h"
#include "transfer/x509/cidr.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <unistd.h>

#define PATH_LEN_MAX 255

/* ---- numbers ------------------------------------------------------------- */

/* Decimal, or hexadecimal after 0x (RFC 5280 4.1.2.2: positive, 20 octets). */
static enum rc
read_serial(struct init *init)
{
	const char *text = init->options->serial;
	bool hex = strncmp(text, "0x", 2) == 0;
	BIGNUM *value = NULL; /* BN_*2bn stop at the first other character */
	int read = hex ? BN_hex2bn(&value, text + 2) : BN_dec2bn(&value, text);
	int n = value == NULL ? 0 : BN_num_bits(value);
	bool good = read > 0 && (size_t)read == strlen(text) - (hex ? 2 : 0) &&
		    !BN_is_negative(value) && n > 0 && n < 8 * SERIAL_MAX;

	if (good)
		init->wish.serial = span_of(
		    init->serial, (size_t)BN_bn2bin(value, init->serial));
	BN_free(value);
	ERR_clear_error();
	return good
		   ? RC_OK
		   : err_set(RC_USAGE,
			 "--serial %s: wanted a number above 0 of at most 20 octets, as 1 or 0x01",
			 text);
}

/* What begins before 1970 or ends after 9999 is no time of ours: said before a
 * key is made. */
static enum rc
read_days(const struct init *init, int64_t *ret)
{
	const int64_t most = (CLOCK_MAX - init->now) / DAY;
	const char *text = init->options->days;
	char now[CLOCK_TEXT];

	clock_write(init->now, now);
	if (init->now < INIT_BACKDATE || most < 1)
		return err_set(RC_STATE,
		    "the clock says %s, where no CA can be made: set it right",
		    now);
	if (text != NULL)
		return cmd_integer("days", text, 1, most, ret);
	if (INIT_DAYS > most)
		return err_set(RC_STATE,
		    "the clock says %s: set it right, or give --days, at most %lld",
		    now, (long long)most);
	*ret = INIT_DAYS;
	return RC_OK;
}

static enum rc
read_numbers(struct init *init)
{
	const struct init_options *o = init->options;
	int64_t days = INIT_DAYS;
	enum rc rc = read_days(init, &days);

	if (rc == RC_OK && o->serial != NULL)
		rc = read_serial(init);
	init->wish.not_before = init->now - INIT_BACKDATE;
	init->wish.not_after = init->now + days * DAY - 1;
	return rc;
}

/* Room for the certificate that binds a successor's key to this one (RFC 4210
 * 4.4), which GnuTLS, mbed TLS and Go count although its two names are one; and
 * for CAs below, where the policy makes some. */
static enum rc
read_path_len(struct init *init)
{
	const char *text = init->options->path_len;
	/* Below another CA there is no next key, and that one gives little. */
	const int64_t spare = init->options->csr == NULL;
	int64_t path_len = spare;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < init->policy.n_profiles; i++)
		if (init->policy.profiles[i].is_ca)
			path_len = spare + 1;
	if (text != NULL)
		rc = cmd_integer("path-len", text, 0, PATH_LEN_MAX, &path_len);
	init->wish.path_len = (uint32_t)path_len;
	return rc;
}

struct option_given {
	const char *name;
	bool given;
};

/* None of those that say what another CA has said, or will. */
static enum rc
check_not_given(const struct option_given *others, size_t n, const char *why)
{
	for (size_t i = 0; i < n; i++)
		if (others[i].given)
			return err_set(
			    RC_USAGE, "--%s %s", others[i].name, why);
	return RC_OK;
}

/* What an adopted CA is stands in its certificate, and there alone. */
static enum rc
describe_adopted(struct init *init)
{
	const struct init_options *o = init->options;
	const struct option_given others[] = {
		{ "subject", o->subject != NULL },
		{ "key-type", o->key_type != NULL },
		{ "days", o->days != NULL },
		{ "serial", o->serial != NULL },
		{ "path-len", o->path_len != NULL },
		{ "scope-email", o->scope_email.n != 0 },
		{ "constraints", o->constraints != NULL },
		{ "constrain-srv", o->constrain_srv },
	};
	enum rc rc = check_not_given(others, sizeof(others) / sizeof(others[0]),
	    "is for a new CA: an adopted one keeps its certificate as it is");

	if (rc != RC_OK)
		return rc;
	if (o->use_key == NULL)
		return err_set(RC_USAGE,
		    "--adopt wants --use-key URI, the CA's key on the token");
	init->wish.not_before = o->adopted->form.not_before;
	init->wish.not_after = o->adopted->form.not_after;
	return buf_add_span(&init->subject, buf_span(&o->adopted->subject));
}

/* ---- names and policy ---------------------------------------------------- */

static enum rc
init_check_read_subject(struct init *init)
{
	OWN(X509_NAME) *name = NULL;
	const char *text = init->options->subject;
	enum rc rc;

	if (text == NULL)
		return err_set(RC_USAGE,
		    "init wants --subject, as \"CN=XMPP CA for example.org\"");
	rc = subject_read(text, &name);
	if (rc == RC_OK && X509_NAME_entry_count(name) == 0)
		rc = err_set(RC_USAGE,
		    "--subject: empty; a CA has a name (RFC 5280 4.1.2.6)");
	if (rc == RC_OK)
		rc = subject_print(name, &init->subject);
	init->wish.subject = text;
	return rc;
}

static enum rc
describe_new(struct init *init)
{
	enum rc rc = init_check_read_subject(init);

	return rc != RC_OK ? rc : read_numbers(init);
}

/* Dates, serial and constraints are for the CA above. */
static enum rc
describe_below(struct init *init)
{
	const struct init_options *o = init->options;
	const struct option_given others[] = {
		{ "days", o->days != NULL },
		{ "serial", o->serial != NULL },
		{ "scope-email", o->scope_email.n != 0 },
		{ "constraints", o->constraints != NULL },
		{ "constrain-srv", o->constrain_srv },
		{ "adopt", o->adopted != NULL },
	};
	enum rc rc = check_not_given(others, sizeof(others) / sizeof(others[0]),
	    "does not go with --csr: the CA above decides what is in the certificate");

	if (rc != RC_OK)
		return rc;
	if (o->out != NULL)
		return err_set(RC_USAGE,
		    "--out does not go with --csr: the card is written by 'airgap-ca import FILE --out MEDIA'");
	if (access(o->csr, F_OK) == 0)
		return err_set(RC_USAGE,
		    "--csr %s: there already: give the name of a new file",
		    o->csr);
	return init_check_read_subject(init);
}

static enum rc
split(const char *text, struct text_list *list)
{
	for (;;) {
		size_t n = strcspn(text, ",");
		enum rc rc = text_list_add(list, span_of(text, n));

		if (rc != RC_OK || text[n] == '\0')
			return rc;
		text += n + 1;
	}
}

static bool
profiles_have_ip(const struct policy *policy)
{
	for (size_t i = 0; i < policy->n_profiles; i++)
		if ((policy->profiles[i].name_types & 1U << NAME_IP) != 0)
			return true;
	return false;
}

/* What the certificate binds beside the scope. A domain is brought into its one
 * spelling, as that of a scope is. */
static enum rc
read_bounds(struct init *init)
{
	const struct init_options *o = init->options;
	struct cidr range;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < o->scope_ip.n && rc == RC_OK; i++) {
		if (!cidr_read(o->scope_ip.items[i], &range))
			return err_set(RC_USAGE,
			    "--scope-ip %s: wanted ADDRESS/BITS with zeros behind the bits, as 192.0.2.0/24",
			    o->scope_ip.items[i]);
		rc = text_list_add(
		    &init->scope_ip, span_str(o->scope_ip.items[i]));
	}
	for (size_t i = 0; i < o->scope_email.n && rc == RC_OK; i++) {
		WIPED(buf) domain = { 0 };
		const char *typed = o->scope_email.items[i];

		if (*typed == '*' ||
		    name_read_as(NAME_DNS, span_str(typed), &domain) != RC_OK)
			return err_set(RC_USAGE,
			    "--scope-email %s: wanted a domain, which means the addresses in it and all below",
			    typed);
		rc = text_list_add(&init->scope_email, buf_span(&domain));
	}
	return rc;
}

static enum rc
read_constraints(const struct init_options *o, enum ca_constraints *ret)
{
	static const char *const words[] = {
		[CONSTRAINTS_CRITICAL] = "critical",
		[CONSTRAINTS_NON_CRITICAL] = "non-critical",
		[CONSTRAINTS_NONE] = "none",
	};
	const char *text = o->constraints;
	size_t i = 0, n = sizeof(words) / sizeof(words[0]);

	while (text != NULL && i < n && strcmp(text, words[i]) != 0)
		i++;
	if (i == n)
		return err_set(RC_USAGE,
		    "--constraints %s: wanted critical, non-critical or none",
		    text);
	*ret = (enum ca_constraints)i;
	if (*ret == CONSTRAINTS_NONE &&
	    (o->constrain_srv || o->scope_email.n != 0))
		return err_set(RC_USAGE,
		    "--constraints none: %s would bind nothing, for it is in the constraints alone",
		    o->constrain_srv ? "--constrain-srv" : "--scope-email");
	return RC_OK;
}

/* The policy that this CA begins with, parsed as it will be for ever after. */
static enum rc
make_policy(struct init *init)
{
	const struct init_options *o = init->options;
	WIPED(text_list) profiles = { 0 };
	WIPED(text_list) scopes = { 0 };
	enum rc rc = RC_OK;

	for (size_t i = 0; i < o->scopes.n && rc == RC_OK; i++)
		rc = text_list_add(&scopes, span_str(o->scopes.items[i]));
	if (rc == RC_OK)
		rc = read_bounds(init);
	if (rc == RC_OK)
		rc = split(o->profiles == NULL ? INIT_PROFILES : o->profiles,
		    &profiles);
	if (rc == RC_OK)
		rc = policy_template(
		    &scopes, &init->scope_ip, &profiles, &init->policy_text);
	if (rc == RC_OK)
		rc = policy_parse(
		    HOME_POLICY, buf_span(&init->policy_text), &init->policy);
	if (rc != RC_OK)
		return rc;
	if (o->constrain_srv && init->policy.scope.n == 0)
		return err_set(
		    RC_USAGE, "--constrain-srv wants a --scope to constrain");
	rc = read_constraints(o, &init->wish.constraints);
	if (rc != RC_OK)
		return rc;
	init->wish.scopes = &init->policy.scope;
	init->wish.scope_ip = &init->scope_ip;
	init->wish.scope_email = &init->scope_email;
	init->wish.constrain_srv = o->constrain_srv;
	init->wish.allow_ip = profiles_have_ip(&init->policy);
	return RC_OK;
}

/* ---- keys ---------------------------------------------------------------- */

static enum rc
choose_keys(struct init *init)
{
	const struct init_options *o = init->options;

	if (o->use_key != NULL && o->key_type != NULL)
		return err_set(RC_USAGE,
		    "--use-key and --key-type: an existing key, or a new one?");
	init->ca.what = "CA key";
	init->ca.uri = o->use_key;
	if (o->use_key == NULL)
		init->ca.type =
		    o->key_type == NULL ? OWN_KEY_TYPE : o->key_type;
	init->transfer.what = "transfer key";
	init->transfer.uri = o->transfer_key;
	if (o->transfer_key == NULL)
		init->transfer.type = OWN_KEY_TYPE;
	return o->key_type == NULL ? RC_OK : own_key_type_check(o->key_type);
}

/* ---- places -------------------------------------------------------------- */

/* A policy that somebody put there is not ours to replace; the very one that we
 * would write is what an interrupted run has left. */
static enum rc
check_policy_file(const struct init *init)
{
	WIPED(buf) there = { 0 };
	WIPED(buf) text = { 0 };
	const char *path;
	enum rc rc = buf_printf(&text, "%s/" HOME_POLICY, init->options->home);

	if (rc != RC_OK)
		return rc;
	path = buf_cstr(&text);
	if (path == NULL)
		return err_memory();
	if (access(path, F_OK) != 0)
		return RC_OK;
	rc = file_read(AT_FDCWD, path, POLICY_FILE_MAX, &there);
	if (rc == RC_OK &&
	    !span_eq(buf_span(&there), buf_span(&init->policy_text)))
		rc = err_set(RC_STATE,
		    "%s: there already, and not what these options make: move it away; what it says can be put into the new one",
		    path);
	return rc;
}

static enum rc
check_lacks(const char *home, const char *name, const char *sentence)
{
	WIPED(buf) path = { 0 };
	const char *text;
	enum rc rc = buf_printf(&path, "%s/%s", home, name);

	if (rc != RC_OK)
		return rc;
	text = buf_cstr(&path);
	if (text == NULL)
		return err_memory();
	return access(text, F_OK) != 0
		   ? RC_OK
		   : err_set(RC_STATE, "%s: %s", home, sentence);
}

static enum rc
check_home(const struct init *init)
{
	const char *home = init->options->home;
	enum rc rc = check_lacks(home, HOME_LEDGER,
	    "a CA lives there already: 'airgap-ca export MEDIA' writes its card; for another CA give another --home");

	if (rc == RC_OK)
		rc = check_lacks(home, HOME_WAITING,
		    "a CA waits there for its certificate: 'airgap-ca import FILE' goes on with it; for another CA give another --home");
	return rc == RC_OK ? check_policy_file(init) : rc;
}

enum rc
init_check(
    const struct init_options *options, struct token *token, struct init *init)
{
	enum rc rc;

	init->options = options;
	init->token = token;
	rc = clock_now(&init->now);
	if (rc == RC_OK)
		rc = options->csr != NULL	? describe_below(init)
		     : options->adopted == NULL ? describe_new(init)
						: describe_adopted(init);
	if (rc == RC_OK)
		rc = make_policy(init);
	if (rc == RC_OK)
		rc = read_path_len(init);
	if (rc == RC_OK)
		rc = choose_keys(init);
	if (rc == RC_OK)
		rc = check_home(init);
	if (rc == RC_OK)
		rc = act_media_open(options->out, &init->media);
	if (rc == RC_OK)
		rc = init_clock_doubt(init);
	if (rc == RC_OK)
		rc = network_check(options->allow_network || options->dry_run,
		    &init->interfaces);
	return rc;
}
