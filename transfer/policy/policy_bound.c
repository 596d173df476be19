/* SPDX-License-Identifier: Apache-2.0 */
/* A policy against the name constraints of the CA that has it: what it allows
 * beyond them would be signed, installed, and refused by every peer. */
#include "transfer/policy/policy.h"

#include "transfer/rule.h"
#include "transfer/x509/cidr.h"
#include "transfer/x509/constraints.h"

static enum rc
refuse_wider(const char *from, const struct constraints *c, const char *key,
    const char *value, enum name_type type)
{
	WIPED(buf) bound = { 0 };
	const char *text;
	enum rc rc = constraints_write(c, &bound);

	if (rc != RC_OK)
		return rc;
	text = buf_cstr(&bound);
	if (text == NULL)
		return err_memory();
	return rule_refuse(RULE_POLICY_BOUND,
	    "%s: %s = %s: allows names of type %s that the CA's certificate forbids; it is bound for good to %.500s",
	    from, key, value, name_type_text(type), text);
}

static bool
some_profile_has(const struct policy *policy, enum name_type type)
{
	for (size_t i = 0; i < policy->n_profiles; i++)
		if ((policy->profiles[i].name_types & 1U << type) != 0)
			return true;
	return false;
}

static enum rc
check_domains(const char *from, const struct policy *policy,
    const struct constraints *c, enum name_type type)
{
	const struct text_list *scope = &policy->scope;

	if (policy->scope_any && !constraints_hold_domain(c, type, NULL))
		return refuse_wider(from, c, "scope", "any", type);
	for (size_t i = 0; i < scope->n; i++)
		if (!constraints_hold_domain(c, type, scope->items[i]))
			return refuse_wider(
			    from, c, "scope", scope->items[i], type);
	return RC_OK;
}

static enum rc
check_ranges(
    const char *from, const struct policy *policy, const struct constraints *c)
{
	struct cidr range;

	for (size_t i = 0; i < policy->scope_ip.n; i++)
		if (cidr_read(policy->scope_ip.items[i], &range) &&
		    !constraints_hold_range(c, &range))
			return refuse_wider(from, c, "scope-ip",
			    policy->scope_ip.items[i], NAME_IP);
	return RC_OK;
}

/* Of a CA below: its own constraints must hold it where those above it are not
 * looked at, as Java does with a root's. */
static enum rc
check_cas(
    const char *from, const struct policy *policy, const struct constraints *c)
{
	struct constraints its;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < policy->n_profiles && rc == RC_OK; i++) {
		const struct profile *p = &policy->profiles[i];

		if (p->constraints.n == 0)
			continue;
		rc = constraints_value_read(
		    p->name, buf_span(&p->constraints), &its);
		if (rc == RC_OK && !constraints_contain(c, &its))
			return rule_refuse(RULE_POLICY_BOUND,
			    "%s: [profile %s]: its nameConstraints allow more than those of the CA's certificate; without them a CA below gets just those",
			    from, p->name);
	}
	return rc;
}

enum rc
policy_check_bound(const char *from, const struct policy *policy,
    const struct constraints *constraints)
{
	enum rc rc = check_cas(from, policy, constraints);

	for (unsigned type = 0; type < NAME_TYPES && rc == RC_OK; type++) {
		if (!some_profile_has(policy, type))
			continue;
		rc = type == NAME_IP
			 ? check_ranges(from, policy, constraints)
			 : check_domains(from, policy, constraints, type);
	}
	return rc;
}
