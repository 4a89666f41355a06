/*
 * frames: what is written is read, in any pieces; what is no frame is refused as soon as it can be known.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/count.h"
#include "link/frames.h"

static void
equal(const struct frame *a, const struct frame *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->code, b->code);
	assert_int_equal(a->timeout_ms, b->timeout_ms);
	assert_int_equal(a->nfields, b->nfields);
	for (unsigned i = 0; i < a->nfields; i++) {
		assert_int_equal(a->field[i].n, b->field[i].n);
		assert_memory_equal(a->field[i].p, b->field[i].p, a->field[i].n);
	}
}

static void
comes_back_in_any_pieces(void **state)
{
	const struct frame sent[] = {
		{ .kind = FRAME_HELLO },
		{ .id = 0xfffefdfc, .kind = FRAME_PROBE, .timeout_ms = 0x12345678, .nfields = 1, .field = { STR("dialpad") } },
		{ .id = 1, .kind = FRAME_REKEY, .code = FRAME_DATABASE, .nfields = 3,
		    .field = { STR(""), STR("\0\n\xff"), STR("x") } },
		{ .id = 2, .kind = FRAME_STATUS, .nfields = FRAME_FIELDS, .field = { STR("1"), STR("2"), STR("3"), STR("4"),
		    STR("5"), STR("6"), STR("7"), STR("8") } },
	};
	struct frame got;
	struct buf b;

	(void)state;
	for (size_t i = 0; i < COUNT(sent); i++) {
		buf_init(&b, FRAME_MAX);
		frame_write(&b, &sent[i]);
		assert_false(b.failed);
		assert_int_equal(b.len, frame_size(&sent[i]));
		for (size_t n = 0; n < b.len; n++)
			assert_int_equal(frame_parse(&got, (struct str){ b.p, n }), 0);
		assert_int_equal(frame_parse(&got, buf_as_str(&b)), b.len);
		equal(&got, &sent[i]);
		buf_puts(&b, "the next");
		assert_int_equal(frame_parse(&got, buf_as_str(&b)), b.len - 8);
		equal(&got, &sent[i]);
		buf_free(&b);
	}
}

static void
is_bounded(void **state)
{
	struct frame f = { .kind = FRAME_STATUS, .nfields = 1 }, got;
	char *big = calloc(1, FRAME_MAX);
	struct buf b;

	(void)state;
	f.field[0] = (struct str){ big, FRAME_MAX - FRAME_HEAD - 4 };
	assert_int_equal(frame_size(&f), FRAME_MAX);
	buf_init(&b, FRAME_MAX);
	frame_write(&b, &f);
	assert_int_equal(frame_parse(&got, buf_as_str(&b)), FRAME_MAX);
	buf_free(&b);
	f.field[0].n++;
	assert_int_equal(frame_size(&f), 0);
	frame_write(&b, &f);
	assert_true(b.failed);
	buf_free(&b);
	f.field[0].n = SIZE_MAX;
	assert_int_equal(frame_size(&f), 0);
	f = (struct frame){ .nfields = FRAME_FIELDS + 1 };
	assert_int_equal(frame_size(&f), 0);
	free(big);
}

static void
no_frames(void **state)
{
	static const struct str bad[] = {
		STR("\0\0\0\0"),			/* shorter than a head */
		STR("\0\0\0\x0b"),
		STR("\0\x03\xff\xfd"),			/* a byte too long: known at once, not after so many bytes */
		STR("\xff\xff\xff\xff"),
		STR("GET / HTTP/1.1\r\n"),
		STR("\0\0\0\x0c" "\0\0\0\1" "\x7f\0\0\0" "\0\0\0\0"),	/* unknown kind */
		STR("\0\0\0\x0c" "\0\0\0\1" "\1\x05\0\0" "\0\0\0\0"),	/* unknown code */
		STR("\0\0\0\x0c" "\0\0\0\1" "\1\0\x09\0" "\0\0\0\0"),	/* too many fields */
		STR("\0\0\0\x0c" "\0\0\0\1" "\1\0\0\1" "\0\0\0\0"),	/* the byte that is zero */
		STR("\0\0\0\x0c" "\0\0\0\1" "\1\0\1\0" "\0\0\0\0"),	/* a field that is not there */
		STR("\0\0\0\x10" "\0\0\0\1" "\1\0\1\0" "\0\0\0\0" "\0\0\0\1"),
		STR("\0\0\0\x10" "\0\0\0\1" "\1\0\1\0" "\0\0\0\0" "\xff\xff\xff\xff"),
		STR("\0\0\0\x12" "\0\0\0\1" "\1\0\1\0" "\0\0\0\0" "\0\0\0\1xy"),	/* more than the fields */
		STR("\0\0\0\x0d" "\0\0\0\1" "\1\0\0\0" "\0\0\0\0" "x"),
	};
	struct frame f;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (frame_parse(&f, bad[i]) != -1)
			fail_msg("number %zu is taken for a frame", i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back_in_any_pieces),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(no_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
