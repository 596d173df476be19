/* SPDX-License-Identifier: Apache-2.0 */
/* One allocation that fails, in one process of a command, or all from it on.
 *
 *     LD_PRELOAD=starve.so STARVE=FILE PROGRAM...
 *
 * FILE is mapped by the program and all that it forks, and is a struct below:
 * what is to fail, and how many allocations each process made. So nothing is
 * opened or written when it counts or fails, and a process behind a filter that
 * allows it nothing is counted, and starves, as well as any other.
 *
 * A process has a name, as in fault.c: "0" is the program, "0.2" the second that
 * it forked. Its allocations are counted twice: those whose caller is in the
 * program itself, and all, those of the libraries included. Memory that is mapped
 * by the program itself counts as allocated; what the program allocates when
 * OpenSSL asks it to does not count as its own. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define STARVED 64 /* processes */

/* The file; starving.py writes and reads it. */
struct starve_file {
	char process[56]; /* that is to starve; empty: none */
	uint32_t whose;	  /* 0: its own allocations; 1: all; 2: its forks */
	uint32_t from_on; /* 1: from the n-th on all fail; 0: the n-th alone */
	uint64_t n;	  /* from 1 */
	uint64_t hits;	  /* how many failed */
	uint64_t used;	  /* how many of these are taken */
	struct starve_count {
		char process[56];
		uint64_t counts[3];
	} all[STARVED];
};

static struct starve_file *told;
static struct starve_count *mine;
static unsigned children;
static uintptr_t text_begin, text_end; /* of the program */
static uintptr_t spared_begin, spared_end;
static __thread bool for_openssl __attribute__((tls_model("initial-exec")));

/* ---- which process ------------------------------------------------------- */

static void
take_row(const char *process)
{
	uint64_t n = __atomic_fetch_add(&told->used, 1, __ATOMIC_SEQ_CST);

	if (n >= STARVED)
		abort();
	(void)snprintf(
	    told->all[n].process, sizeof(told->all[n].process), "%s", process);
	mine = &told->all[n];
}

static void
before_fork(void)
{
	children++;
}

static void
after_fork(void)
{
	char name[sizeof(mine->process) + 16];

	(void)snprintf(name, sizeof(name), "%s.%u", mine->process, children);
	children = 0;
	take_row(name);
}

/* The program is the first object of all. libseccomp is let off: 2.5 frees twice,
 * reads at NULL or loops where its memory fails. */
static int
find_text(struct dl_phdr_info *info, size_t size, void *arg)
{
	const bool first = text_end == 0;
	uintptr_t *begin = first ? &text_begin : &spared_begin;
	uintptr_t *end = first ? &text_end : &spared_end;

	(void)size;
	(void)arg;
	if (!first && strstr(info->dlpi_name, "/libseccomp.so") == NULL)
		return 0;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type != PT_LOAD || (p->p_flags & PF_X) == 0)
			continue;
		*begin = info->dlpi_addr + p->p_vaddr;
		*end = *begin + p->p_memsz;
	}
	return 0;
}

/* What is run on the way to ours, or by ours, is left alone. */
__attribute__((constructor)) static void
starve_begin(void)
{
	const char *path = getenv("STARVE");
	int fd;
	void *at;

	if (path == NULL ||
	    strncmp(program_invocation_short_name, "airgap-", 7) != 0)
		return;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		abort();
	at = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (at == MAP_FAILED || pthread_atfork(before_fork, NULL, after_fork))
		abort();
	(void)dl_iterate_phdr(find_text, NULL);
	told = at;
	take_row("0");
}

/* ---- which allocation ---------------------------------------------------- */

/* Count one of that kind, and say whether it fails. */
static bool
fails(uint32_t whose, int why)
{
	uint64_t n = __atomic_add_fetch(
	    &mine->counts[whose], 1, __ATOMIC_SEQ_CST);

	if (whose != told->whose ||
	    (told->from_on ? n < told->n : n != told->n) ||
	    strcmp(told->process, mine->process) != 0)
		return false;
	(void)__atomic_add_fetch(&told->hits, 1, __ATOMIC_SEQ_CST);
	errno = why;
	return true;
}

static bool
starves(const void *caller)
{
	uintptr_t at = (uintptr_t)caller;
	bool ours = at >= text_begin && at < text_end && !for_openssl;
	bool own, any;

	if (mine == NULL || (at >= spared_begin && at < spared_end))
		return false;
	own = ours && fails(0, ENOMEM);
	any = fails(1, ENOMEM);
	return own || any;
}

#define REAL(type, name, ...) \
	static type (*real_##name)(__VA_ARGS__); \
	if (real_##name == NULL) \
	*(void **)&real_##name = dlsym(RTLD_NEXT, #name)
#define STARVES() starves(__builtin_return_address(0))

void *
malloc(size_t n)
{
	REAL(void *, malloc, size_t);
	return STARVES() ? NULL : real_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	REAL(void *, calloc, size_t, size_t);
	return STARVES() ? NULL : real_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	REAL(void *, realloc, void *, size_t);
	return STARVES() ? NULL : real_realloc(p, n);
}

void *
reallocarray(void *p, size_t n, size_t size)
{
	REAL(void *, reallocarray, void *, size_t, size_t);
	return STARVES() ? NULL : real_reallocarray(p, n, size);
}

/* The C library allocates these; whoever asked for them is the caller. asprintf
 * is called by this name where the compiler checks buffers. */
char *
strdup(const char *s)
{
	REAL(char *, strdup, const char *);
	return STARVES() ? NULL : real_strdup(s);
}

char *
strndup(const char *s, size_t n)
{
	REAL(char *, strndup, const char *, size_t);
	return STARVES() ? NULL : real_strndup(s, n);
}

int
__asprintf_chk(char **ret, int flag, const char *fmt, ...)
{
	REAL(int, vasprintf, char **, const char *, va_list);
	va_list ap;
	int n;

	(void)flag;
	if (STARVES())
		return -1;
	va_start(ap, fmt);
	n = real_vasprintf(ret, fmt, ap);
	va_end(ap);
	return n;
}

void *
mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
	REAL(void *, mmap, void *, size_t, int, int, int, off_t);
	const uintptr_t caller = (uintptr_t)__builtin_return_address(0);

	if (caller >= text_begin && caller < text_end &&
	    starves((const void *)caller))
		return MAP_FAILED;
	return real_mmap(at, n, prot, flags, fd, offset);
}

/* Root is never at the limit of its processes, and is told here that it is. */
pid_t
fork(void)
{
	REAL(pid_t, fork, void);
	return mine != NULL && fails(2, EAGAIN) ? -1 : real_fork();
}

/* ---- OpenSSL's, by way of the program ------------------------------------ */

typedef void *ssl_malloc(size_t n, const char *file, int line);
typedef void *ssl_realloc(void *p, size_t n, const char *file, int line);
typedef void ssl_free(void *p, const char *file, int line);

static ssl_malloc *programs_malloc;
static ssl_realloc *programs_realloc;

static void *
malloc_for_openssl(size_t n, const char *file, int line)
{
	void *p;

	for_openssl = true;
	p = programs_malloc(n, file, line);
	for_openssl = false;
	return p;
}

static void *
realloc_for_openssl(void *old, size_t n, const char *file, int line)
{
	void *p;

	for_openssl = true;
	p = programs_realloc(old, n, file, line);
	for_openssl = false;
	return p;
}

int
CRYPTO_set_mem_functions(ssl_malloc *m, ssl_realloc *r, ssl_free *f)
{
	REAL(int, CRYPTO_set_mem_functions, ssl_malloc *, ssl_realloc *,
	    ssl_free *);

	programs_malloc = m;
	programs_realloc = r;
	return real_CRYPTO_set_mem_functions(
	    malloc_for_openssl, realloc_for_openssl, f);
}
