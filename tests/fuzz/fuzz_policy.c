/* SPDX-License-Identifier: Apache-2.0 */
/* policy.conf: every refusal names the rule, and the line. */
#include "transfer/policy/policy.h"
#include "transfer/rule.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	WIPED(policy) policy = { .scope_any = false };

	if (policy_parse("p", span_of(data, size), &policy) == RC_OK) {
		if (policy.n_profiles == 0)
			abort();
	} else if (strcmp(rule_name(rule_spoken()), "POLICY") != 0 ||
		   strncmp(err_text(), "p:", 2) != 0) {
		abort();
	}
	return 0;
}
