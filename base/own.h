/* SPDX-License-Identifier: Apache-2.0 */
/** Pointers and structs that are released when their scope ends.
 *
 *	OWN(X509) *cert = NULL;		freed by X509_free on every way out
 *	WIPED(buf) out = { 0 };		wiped by buf_wipe on every way out
 *	*ret_cert = MOVE(cert);		handed to the caller instead
 *
 * A type takes part by one OWN_TYPE line beside its free function.
 */
#ifndef BASE_OWN_H
#define BASE_OWN_H

#include <stddef.h>

/** Define how a pointer to `type` is released by `free_fn`. */
#define OWN_TYPE(type, free_fn)                                                \
	static inline void own_##type(type **p)                                \
	{                                                                      \
		free_fn(*p);                                                   \
	}                                                                      \
	struct own_##type##_defined /* takes the semicolon */

#define OWN(type) __attribute__((cleanup(own_##type))) type

/** The same for `struct tag`, held by pointer. */
#define OWN_STRUCT(tag, free_fn)                                               \
	static inline void own_struct_##tag(struct tag **p)                    \
	{                                                                      \
		free_fn(*p);                                                   \
	}                                                                      \
	struct own_struct_##tag##_defined

#define OWNS(tag) __attribute__((cleanup(own_struct_##tag))) struct tag

/** A struct held by value, with a function tag_wipe(struct tag *). */
#define WIPED(tag) __attribute__((cleanup(tag##_wipe))) struct tag

/** Hand the pointer on; the variable keeps NULL. */
#define MOVE(p)                                                                \
	__extension__({                                                        \
		__typeof__(p) moved_ = (p);                                    \
		(p) = NULL;                                                    \
		moved_;                                                        \
	})

#endif
