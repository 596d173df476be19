/* SPDX-License-Identifier: Apache-2.0 */
/** The profiles of transfer/policy/profiles, as make has turned them into C. */
#ifndef TRANSFER_POLICY_SHIPPED_H
#define TRANSFER_POLICY_SHIPPED_H

struct shipped_profile {
	const char *name, *text; /* "tls-server", its file byte for byte */
};

/** In order of their names; the last has none. */
extern const struct shipped_profile shipped_profiles[];

#endif
