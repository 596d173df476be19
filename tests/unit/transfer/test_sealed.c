/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/media_fixture.h"

#include <sys/mman.h>

/* A descriptor as a subverted reader might hand it over. */
static void
refuse(int fd, const char *part)
{
	struct sealed copy = { .fd = -1 };

	assert_true(fd >= 0);
	assert_refused(sealed_map(fd, &copy), "READER", part);
	assert_int_equal(copy.fd, -1);
	assert_true(fcntl(fd, F_GETFD) >= 0); /* still the caller's */
	assert_int_equal(close(fd), 0);
}

static void
sealed_memory_is_mapped(void **state)
{
	WIPED(sealed) copy = { .fd = -1 };
	int fd = -1;

	(void)state;
	assert_int_equal(sealed_make(span_str("bytes"), &fd), RC_OK);
	assert_int_equal(sealed_map(fd, &copy), RC_OK);
	assert_true(span_eq_str(copy.bytes, "bytes"));
	assert_true(mmap(NULL, 5, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
}

static void
memory_lacking_any_one_seal_is_refused(void **state)
{
	const int seals[] = { F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE,
		F_SEAL_SEAL };

	(void)state;
	for (size_t without = 0; without < 4; without++) {
		int fd = memfd_create("x", MFD_ALLOW_SEALING | MFD_CLOEXEC);
		int some = 0;

		for (size_t i = 0; i < 4; i++)
			if (i != without)
				some |= seals[i];
		assert_int_equal(fcntl(fd, F_ADD_SEALS, some), 0);
		refuse(fd, "not sealed memory");
	}
}

static void
file_on_disk_or_pipe_is_refused(void **state)
{
	int ends[2];

	(void)state;
	refuse(open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600),
	    "not sealed memory");
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	refuse(ends[0], "not sealed memory");
	assert_int_equal(close(ends[1]), 0);
}

static void
memory_larger_than_any_file_is_refused(void **state)
{
	int fd = memfd_create("x", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	(void)state;
	assert_int_equal(ftruncate(fd, (off_t)MEDIA_FILE_MAX + 1), 0);
	assert_int_equal(
	    fcntl(fd, F_ADD_SEALS,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL),
	    0);
	refuse(fd, "at most 268435456");
}

static void
memory_of_huge_pages_is_refused(void **state)
{
	int fd =
	    memfd_create("x", MFD_ALLOW_SEALING | MFD_CLOEXEC | MFD_HUGETLB);

	(void)state;
	if (fd <
	    0) { /* a kernel without them cannot be asked for them either */
		assert_true(
		    errno == EINVAL || errno == ENODEV || errno == ENOSYS);
		return;
	}
	assert_int_equal(
	    fcntl(fd, F_ADD_SEALS,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL),
	    0);
	refuse(fd, "another kind of memory");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealed_memory_is_mapped),
		cmocka_unit_test(memory_lacking_any_one_seal_is_refused),
		cmocka_unit_test(file_on_disk_or_pipe_is_refused),
		cmocka_unit_test(memory_larger_than_any_file_is_refused),
		cmocka_unit_test(memory_of_huge_pages_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
