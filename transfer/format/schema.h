/* SPDX-License-Identifier: Apache-2.0 */
/** The pieces that the payload readers and writers share, for them alone:
 * maps and lists by table, and the common part of docs/transfer.cddl.
 */
#ifndef TRANSFER_FORMAT_SCHEMA_H
#define TRANSFER_FORMAT_SCHEMA_H

#include "transfer/format/cbor_in.h"
#include "transfer/format/cbor_out.h"
#include "transfer/format/payload.h"

#define DURATION_MAX INT64_C(3155760000)
#define CRL_NUMBER_MAX UINT64_C(9007199254740991)
#define CERT_DER_MIN 64
#define CERT_DER_MAX 65536

/* ---- maps ------------------------------------------------------------------ */

#define KEY(n) (UINT32_C(1) << (n))

/** Read the value of one key into the object; the key is a known one. */
typedef enum rc part_field(struct cbor_in *in, int key, void *object);

struct part_map {
	const char *what;
	uint32_t wanted;   /* KEY()s that must be there */
	uint32_t optional; /* and that may */
	part_field *field;
};

/** Read a map; *ret_seen (may be NULL) tells which keys it had. */
enum rc part_map_take(struct cbor_in *in, const struct part_map *map,
    void *object, uint32_t *ret_seen) MUST_CHECK;

/** Read a map that is the whole input, from its first byte to its last.
 * \retval RC_FORMAT with rule CBOR when bytes follow it */
enum rc part_map_read(const char *from, struct span input,
    const struct part_map *map, void *object) MUST_CHECK;

/* ---- lists ----------------------------------------------------------------- */

/** Read one item of a list into its zeroed place. */
typedef enum rc part_item(struct cbor_in *in, void *item);

struct part_list {
	const char *what;
	uint64_t min;	    /* items; there is no upper limit but the input */
	size_t item_size;   /* bytes of memory for each */
	size_t least_bytes; /* of input that the shortest one takes */
	part_item *item;
};

/** Read an array. Memory is asked for only when the input left could hold that
 * many items. *ret_items is set on failure too, for the owner to release. */
enum rc part_list_take(struct cbor_in *in, const struct part_list *list,
    void **ret_items, size_t *ret_n) MUST_CHECK;

/* ---- the common part of the grammar ---------------------------------------- */

enum rc part_digest(struct cbor_in *in, const char *what,
    uint8_t ret[static SHA256_LEN]) MUST_CHECK;
enum rc part_epoch(struct cbor_in *in, const char *what, int64_t *ret)
    MUST_CHECK;
enum rc part_duration(struct cbor_in *in, const char *what, int64_t *ret)
    MUST_CHECK;
/** `uint` in the grammar; here at most 2^62, so that sums stay sums. */
enum rc part_overlap(struct cbor_in *in, int64_t *ret) MUST_CHECK;
enum rc part_u32(struct cbor_in *in, const char *what, uint32_t min,
    uint32_t max, uint32_t *ret) MUST_CHECK;
enum rc part_sequence(struct cbor_in *in, uint32_t *ret) MUST_CHECK;
enum rc part_version(struct cbor_in *in) MUST_CHECK;
enum rc part_serial(struct cbor_in *in, struct span *ret) MUST_CHECK;
enum rc part_comment(struct cbor_in *in, struct span *ret) MUST_CHECK;
enum rc part_ledger_head(struct cbor_in *in, struct ledger_head *ret)
    MUST_CHECK;

/** A text that follows one of the grammar's patterns. */
struct part_pattern {
	const char *what;
	bool (*fits)(struct span text);
	const char *wanted; /* the pattern, for the sentence */
};
extern const struct part_pattern part_rule, part_request_id, part_profile,
    part_file_name, part_label;
enum rc part_text(struct cbor_in *in, const struct part_pattern *pattern,
    struct span *ret) MUST_CHECK;

/** Items of a certificate list. */
extern const struct part_list part_certs;

/* ---- writing --------------------------------------------------------------- */

void put_key_uint(struct cbor_out *out, uint64_t key, uint64_t value);
void put_key_time(struct cbor_out *out, uint64_t key, int64_t value);
void put_key_bytes(struct cbor_out *out, uint64_t key, struct span bytes);
void put_key_text(struct cbor_out *out, uint64_t key, struct span text);
void put_key_digest(
    struct cbor_out *out, uint64_t key, const uint8_t digest[static SHA256_LEN]);
void put_ledger_head(struct cbor_out *out, const struct ledger_head *head);

#endif
