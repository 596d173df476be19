/* SPDX-License-Identifier: Apache-2.0 */
/* Two commands say it, and in the same words. */
#include "ca/cmd/awaited_text.h"

#include "base/cmd.h"

const char *
awaited_name(const struct awaited *awaited, char room[static AWAITED_ROOM])
{
	if (awaited->label[0] != '\0')
		return awaited->label;
	hex_write(span_of(awaited->channel, 8), room);
	return room;
}

json_t *
awaited_json(const struct awaited *list, size_t n)
{
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++)
		cmd_json_add(&all,
		    json_pack("{s:o,s:o}", "requester",
			list[i].label[0] == '\0' ? json_null()
						 : json_string(list[i].label),
			"requester_id",
			cmd_json_hex(span_of(list[i].channel, SHA256_LEN))));
	return all;
}
