/*
 * frames: see frames.h. The length is looked at before anything else, so that a peer gone mad is noticed at four bytes and
 * nobody waits, or makes room, for the rest.
 */
#include <sys/types.h>

#include "link/frames.h"

static uint32_t
get_u32(const char *at)
{
	const unsigned char *p = (const unsigned char *)at;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void
put_u32(struct buf *b, uint32_t v)
{
	const unsigned char bytes[4] = {
		(unsigned char)(v >> 24), (unsigned char)(v >> 16), (unsigned char)(v >> 8), (unsigned char)v,
	};

	buf_put(b, bytes, sizeof(bytes));
}

/* The fields fill the frame to its last byte. */
static bool
parse_fields(struct frame *f, struct str rest)
{
	size_t n;

	for (unsigned i = 0; i < f->nfields; i++) {
		if (rest.n < 4)
			return false;
		n = get_u32(rest.p);
		if (n > rest.n - 4)
			return false;
		f->field[i] = (struct str){ rest.p + 4, n };
		rest.p += 4 + n;
		rest.n -= 4 + n;
	}
	return rest.n == 0;
}

long
frame_parse(struct frame *f, struct str bytes)
{
	size_t n;

	*f = (struct frame){ .id = 0 };
	if (bytes.n < 4)
		return 0;
	n = get_u32(bytes.p);
	if (n < FRAME_HEAD - 4 || n > FRAME_MAX - 4)
		return -1;
	if (bytes.n < 4 + n)
		return 0;
	f->id = get_u32(bytes.p + 4);
	f->kind = (uint8_t)bytes.p[8];
	f->code = (uint8_t)bytes.p[9];
	f->nfields = (uint8_t)bytes.p[10];
	f->timeout_ms = get_u32(bytes.p + 12);
	if (f->kind >= FRAME_KINDS || f->code >= FRAME_CODES || f->nfields > FRAME_FIELDS || bytes.p[11] != 0 ||
	    !parse_fields(f, (struct str){ bytes.p + FRAME_HEAD, 4 + n - FRAME_HEAD }))
		return -1;
	return (long)(4 + n);
}

size_t
frame_size(const struct frame *f)
{
	size_t n = FRAME_HEAD;

	if (f->nfields > FRAME_FIELDS)
		return 0;
	for (unsigned i = 0; i < f->nfields; i++) {
		if (f->field[i].n > FRAME_MAX)
			return 0;
		n += 4 + f->field[i].n;
	}
	return n <= FRAME_MAX ? n : 0;
}

void
frame_write(struct buf *out, const struct frame *f)
{
	const unsigned char words[4] = { f->kind, f->code, f->nfields, 0 };
	size_t n = frame_size(f);

	if (n == 0 || !buf_reserve(out, n)) {
		out->failed = true;
		return;
	}
	put_u32(out, (uint32_t)n - 4);
	put_u32(out, f->id);
	buf_put(out, words, sizeof(words));
	put_u32(out, f->timeout_ms);
	for (unsigned i = 0; i < f->nfields; i++) {
		put_u32(out, (uint32_t)f->field[i].n);
		buf_str(out, f->field[i]);
	}
}
