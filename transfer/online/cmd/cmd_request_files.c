/* SPDX-License-Identifier: Apache-2.0 */
/* CSR files, and directories of them as people keep them: with keys beside,
 * with what mail programs and systems leave there. A bundle is all or nothing,
 * so every bad CSR is told at once; what is none does not count. */
#include "transfer/online/cmd/cmd_request.h"

#include "base/file.h"
#include "base/list.h"
#include "base/term.h"
#include "transfer/media/loose.h"
#include "transfer/media/media.h"
#include "transfer/reader/reader_files.h"
#include "transfer/rule.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

void
request_files_wipe(struct request_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->paths[i]);
	for (size_t i = 0; i < files->n_refused; i++)
		free(files->refused[i].reason);
	free(files->paths);
	free(files->folders);
	free(files->refused);
}

/* What the error record has is no part of what is asked. */
static void
tell_left_out(void)
{
	term_alarm(
	    rule_spoken() == RULE_PRIVATE_KEY ? "PRIVATE KEY: " : "Left out: ");
	if (rule_spoken() == RULE_NONE)
		term_say("%s\n", err_text());
	else
		term_say("%s [%s]\n", err_text(), rule_name(rule_spoken()));
	err_clear();
}

/* ---- where they are ------------------------------------------------------ */

/* \param dir  NULL: `name` is a path */
static enum rc
add_path(struct request_files *f, const char *dir, const char *name)
{
	char *path = NULL;
	enum rc rc = LIST_GROW(f->paths, f->n);

	if (rc != RC_OK)
		return rc;
	if (asprintf(&path, "%s%s%s", dir == NULL ? "" : dir,
		dir == NULL ? "" : "/", name) < 0)
		return err_memory();
	f->paths[f->n++] = path;
	return RC_OK;
}

static int
is_csr(const struct dirent *entry)
{
	const size_t n = strlen(entry->d_name);

	for (size_t i = 0; loose_endings[i] != NULL; i++)
		if (n > 4 && !media_is_litter(entry->d_name) &&
		    strcmp(entry->d_name + n - 4, loose_endings[i]) == 0)
			return 1;
	return 0;
}

static enum rc
add_entries(struct request_files *f, const char *path)
{
	struct dirent **entries = NULL;
	int n = scandir(path, &entries, is_csr, alphasort);
	enum rc rc = RC_OK;

	if (n < 0)
		return err_errno(RC_IO, errno, "%s", path);
	for (int i = 0; i < n; i++) {
		if (rc == RC_OK)
			rc = add_path(f, path, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

/* The next that the folder's reader tells of. */
static enum rc
tell_stray(struct reader *reader, size_t told, bool *ret_more)
{
	WIPED(scanned) found = { .copy = { .fd = -1 } };
	enum rc rc = reader_scan_folder(reader, &found, ret_more);

	if (rc != RC_OK || !*ret_more)
		return rc;
	if (found.rc == RC_OK || told == READER_STRAYS_MAX)
		return rule_refuse(RULE_READER,
		    "the reader process tells of more than was asked for");
	(void)err_rule(found.rc, found.rule, "%s", found.reason);
	tell_left_out();
	return RC_OK;
}

static enum rc
tell_strays(const char *path)
{
	WIPED(reader) reader = READER_NONE;
	bool more = true;
	enum rc rc = reader_start(&reader, path);

	for (size_t told = 0; more && rc == RC_OK; told++)
		rc = tell_stray(&reader, told, &more);
	return rc;
}

static enum rc
add_folder(struct request_files *f, const char *path)
{
	const size_t first = f->n;
	enum rc rc = LIST_GROW(f->folders, f->n_folders);

	if (rc == RC_OK)
		rc = add_entries(f, path);
	if (rc != RC_OK)
		return rc;
	f->folders[f->n_folders++] = (struct request_folder){
		.path = path, .first = first, .end = f->n
	};
	return tell_strays(path);
}

enum rc
request_files_find(struct request_files *f, const struct cmd_list *operands)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < operands->n && rc == RC_OK; i++) {
		const char *path = operands->items[i];
		struct stat st;

		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			rc = add_folder(f, path);
		else
			rc = add_path(f, NULL, path);
	}
	return rc;
}

/* ---- what is in them ----------------------------------------------------- */

/* That it lies in, or NULL. */
static struct request_folder *
folder_of(const struct request_files *f, size_t i)
{
	for (size_t j = 0; j < f->n_folders; j++)
		if (i >= f->folders[j].first && i < f->folders[j].end)
			return &f->folders[j];
	return NULL;
}

static void
note_csr(const struct request_files *f, size_t i)
{
	struct request_folder *folder = folder_of(f, i);

	if (folder != NULL)
		folder->has_csr = true;
}

/* Its name is the wish for the request's id. */
static struct span
id_of_path(const char *path)
{
	const char *base = file_name(path);
	const char *dot = strrchr(base, '.');

	return span_of(base,
	    dot == NULL || dot == base ? strlen(base) : (size_t)(dot - base));
}

static enum rc
request_take_file(void *arg, size_t i, struct verdict *v)
{
	struct request_files *f = arg;
	const char *path = f->paths[i];
	enum rc rc =
	    compose_add_read(f->compose, path, v->der, id_of_path(path), v);

	note_csr(f, i);
	return rc != RC_OK
		   ? rc
		   : f->fill(f->arg, &f->compose->items[f->compose->n - 1]);
}

static enum rc
keep_refusal(struct request_files *f, enum rc why)
{
	struct request_refused *one;
	struct err_saved said;
	enum rc rc;

	err_save(&said);
	rc = LIST_GROW(f->refused, f->n_refused);
	if (rc != RC_OK)
		return rc;
	one = &f->refused[f->n_refused];
	*one = (struct request_refused){ why, said.rule, strdup(said.text) };
	if (one->reason == NULL)
		return err_memory();
	f->n_refused++;
	err_clear();
	return RC_OK;
}

/* A key in a folder is no part of what is asked; one that was typed is. */
static enum rc
request_refuse_file(void *arg, size_t i, enum rc why)
{
	struct request_files *f = arg;

	if (rule_spoken() == RULE_PRIVATE_KEY && folder_of(f, i) != NULL) {
		tell_left_out();
		return RC_OK;
	}
	note_csr(f, i);
	return keep_refusal(f, why);
}

enum rc
request_files_read(struct request_files *f)
{
	const struct reader_files_to to = { .take = request_take_file,
		.refuse = request_refuse_file,
		.arg = f };
	enum rc rc = reader_files_read(f->compose->reader,
	    (const char *const *)f->paths, f->n, false, &to);

	for (size_t i = 0; i < f->n_folders && rc == RC_OK; i++)
		if (!f->folders[i].has_csr)
			rc = err_set(RC_USAGE,
			    "%s: no *.csr, *.p10, *.pem or *.der with a request in it",
			    f->folders[i].path);
	return rc;
}
