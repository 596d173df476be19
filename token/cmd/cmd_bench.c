/* SPDX-License-Identifier: Apache-2.0 */
/* `bench`: how many signatures a key gives in a second. The clock and the
 * threads are in token/card, inside the token process. */
#include "token/cmd/cmd.h"

#include "base/term.h"

struct bench_options {
	const char *uri;
	unsigned seconds, threads;
	struct token_options token;
};

static enum rc
bench_print(struct cmd_env *env, const struct bench_options *o)
{
	WIPED(cmd_key) k = { .token = NULL };
	double rate = 0;
	enum rc rc = cmd_key_open(&k, o->uri, &o->token);

	if (rc == RC_OK)
		rc = token_bench(
		    k.token, k.handle, o->seconds, o->threads, &rate);
	if (rc != RC_OK)
		return rc;
	if (env->json)
		return cmd_json(json_pack("{s:o,s:s,s:i,s:i,s:f}", "uri",
		    cmd_json_text(span_str(k.key.uri)), "type", k.key.type,
		    "seconds", (int)o->seconds, "threads", (int)o->threads,
		    "per_second", rate));
	term_say("Signatures per second, %s \"%s\", %u s in %u session%s:\n",
	    k.key.type, k.key.label, o->seconds, o->threads,
	    o->threads == 1 ? "" : "s");
	term_print(stdout, "%.1f\n", rate);
	return RC_OK;
}

enum rc
cmd_bench(struct cmd_env *env, int argc, char **argv)
{
	struct bench_options o = { .seconds = 5, .threads = 1 };
	const char *seconds = NULL, *threads = NULL;
	const struct cmd_option options[] = {
		{ .name = "seconds",
		    .value = "N",
		    .help = "how long (default 5)",
		    .text = &seconds },
		{ .name = "threads",
		    .value = "N",
		    .help = "sessions side by side (default 1)",
		    .text = &threads },
		CMD_KEY_OPTIONS(o.token),
		{ 0 },
	};
	WIPED(cmd_list) operands = { 0 };
	bool done = false;
	enum rc rc = cmd_options(env, argc, argv, options, &operands, &done);

	if (rc != RC_OK || done)
		return rc;
	rc = cmd_uri(env, &operands, &o.uri);
	if (rc == RC_OK)
		rc = cmd_number("seconds", seconds, 1, 3600, &o.seconds);
	if (rc == RC_OK)
		rc = cmd_number("threads", threads, 1, 64, &o.threads);
	return rc != RC_OK ? rc : bench_print(env, &o);
}
