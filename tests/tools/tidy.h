/* SPDX-License-Identifier: Apache-2.0 */
/** What the static checkers are told about errors, included by `make tidy` alone.
 *
 * They look at one file at a time and would think that err_set may return
 * RC_OK, so that whatever is set on success only seemed to be used unset.
 */
#ifndef TESTS_TOOLS_TIDY_H
#define TESTS_TOOLS_TIDY_H

#include "base/child.h"
#include "transfer/rule.h"

/* Each name within its own replacement is the function itself. */
#define err_set(rc, ...) ((void)err_set((rc), __VA_ARGS__), (rc))
#define err_rule(rc, ...) ((void)err_rule((rc), __VA_ARGS__), (rc))
#define err_in(rc, ...) ((void)err_in((rc), __VA_ARGS__), (rc))
#define err_errno(rc, ...) ((void)err_errno((rc), __VA_ARGS__), (rc))
#define err_openssl(rc, ...) ((void)err_openssl((rc), __VA_ARGS__), (rc))
#define err_memory() ((void)err_memory(), RC_IO)
#define rule_refuse(...) ((void)rule_refuse(__VA_ARGS__), RC_POLICY)
#define child_explain(c, rc) ((void)child_explain((c), (rc)), (rc))

#endif
