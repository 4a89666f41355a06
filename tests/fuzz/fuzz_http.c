/*
 * Fuzzer: one stream, cut in several ways, must come to the same requests with the same contents and the same
 * refusal; and every request that is let through is sane. Starts from the unit tests' inputs and needs no corpus.
 *
 * clang -fsanitize=fuzzer,address,undefined, with the objects of src/ but those with a main(), -lhttp_parser -lcrypto
 * …
 */
#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/http_inputs_body.h"
#include "../unit/http_inputs_head.h"
#include "../unit/http_play.h"
#include "base/count.h"

#define CUTS		4	/* ways of cutting tried for each input; the first is single bytes */
#define SEED_ONE_IN	64	/* so often a mutation starts again from an input of the tables */
#define NHEAD		(COUNT(inputs_head))
#define NBODY		(COUNT(inputs_body))

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t	LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t	LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static void
need(bool holds)
{
	if (!holds)
		abort();
}

static bool
control(unsigned char c)
{
	return (c < 0x20 && c != '\t') || c == 0x7f;
}

static size_t
count(const struct http_request *rq, const char *name)
{
	size_t i, n = 0;

	for (i = 0; i < rq->nheaders; i++)
		n += str_ieq(rq->headers[i].name, str_c(name));
	return n;
}

/* Written without the tables and helpers of the code under test. */
static void
check_request(const struct http_request *rq)
{
	size_t i, k;

	need(rq->method < HTTP_OTHER && (rq->minor == 0 || rq->minor == 1));
	need(rq->path.n > 0 && rq->path.n + rq->query.n <= play_limits.url_bytes + 1);
	need(rq->path.p[0] == '/' || (rq->method == HTTP_OPTIONS && str_eq(rq->path, STR("*"))));
	for (i = 0; i < rq->path.n; i++)
		need(rq->path.p[i] > ' ' && rq->path.p[i] < 0x7f && strchr("#?\"<>\\^`{|}[]", rq->path.p[i]) == NULL);
	for (i = 0; i < rq->query.n; i++)
		need(rq->query.p[i] > ' ' && rq->query.p[i] < 0x7f && strchr("#\"<>", rq->query.p[i]) == NULL);
	need(rq->nheaders <= play_limits.header_count);
	for (i = 0; i < rq->nheaders; i++) {
		const struct http_header *h = &rq->headers[i];

		need(h->name.n > 0 && h->value.p != NULL);
		for (k = 0; k < h->name.n; k++)
			need(h->name.p[k] > ' ' && h->name.p[k] < 0x7f &&
			    strchr("\"(),/:;<=>?@[\\]{}", h->name.p[k]) == NULL);
		for (k = 0; k < h->value.n; k++)
			need(!control((unsigned char)h->value.p[k]));
		need(h->value.n == 0 || (h->value.p[0] != ' ' && h->value.p[h->value.n - 1] != '\t'));
	}
	need(count(rq, "Host") == 1 || (rq->minor == 0 && count(rq, "Host") == 0));
	need(count(rq, "Content-Length") + count(rq, "Transfer-Encoding") <= 1);
	need(count(rq, "Transfer-Encoding") == 0 || rq->minor == 1);
	need(rq->body.p != NULL && rq->body.n <= PLAY_BODY_MAX);
	if (count(rq, "Transfer-Encoding") == 0)
		need(rq->body.n == (count(rq, "Content-Length") > 0 ?
		    strtoull(http_header(rq, "Content-Length").p, NULL, 10) : 0));
}

/* Pieces of 1 to `longest` bytes, as the numbers that follow from `seed` will have it. */
static void
play_all(struct play *t, const char *p, size_t n, size_t longest, uint32_t seed)
{
	size_t at = 0, piece;

	play_start(t);
	t->check = check_request;
	for (; at < n; at += piece) {
		seed = seed * 1664525 + 1013904223;
		piece = 1 + (seed >> 8) % longest;
		if (piece > n - at || longest > n)
			piece = n - at;
		play_piece(t, p + at, piece);
	}
	play_end(t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t	longest[CUTS] = { 1, 3, 40, 200 };
	struct play		whole, cut;
	uint32_t		seed = 2166136261u;
	size_t			i;

	for (i = 0; i < size; i++)
		seed = (seed ^ data[i]) * 16777619u;
	play_all(&whole, (const char *)data, size, size + 1, 0);
	for (i = 0; i < CUTS; i++) {
		play_all(&cut, (const char *)data, size, longest[i], seed);
		need(cut.full.len == whole.full.len && memcmp(cut.full.p, whole.full.p, cut.full.len) == 0);
		need(cut.brief.len == whole.brief.len && memcmp(cut.brief.p, whole.brief.p, cut.brief.len) == 0);
		play_free(&cut);
	}
	play_free(&whole);
	return 0;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	size_t			 pick = seed / SEED_ONE_IN % (NHEAD + NBODY);
	const struct http_input	*in = pick < NHEAD ? &inputs_head[pick] : &inputs_body[pick - NHEAD];

	if (seed % SEED_ONE_IN == 0 && in->n <= max) {
		memcpy(data, in->bytes, in->n);
		size = in->n;
	}
	return LLVMFuzzerMutate(data, size, max);
}
