/*
 * guard: a state machine over single bytes, fed before http-parser sees anything. Takes nothing a strict reader of
 * RFC 9112 would not take, because two servers that disagree about a byte can be made to disagree about where a
 * request ends. Never keeps, copies or changes a byte, never looks at what a header means, never allocates.
 *
 * Long runs (target, names, values, body) are walked by table in tight loops; everything else is one byte, one step.
 * The limits are applied at the byte that passes them, so a verdict is the same however the stream is cut.
 */
#include <sys/types.h>

#include "http/chars.h"
#include "http/guard.h"

enum state {
	/* request line */
	LINE_START,		/* nothing yet: a method, or the one empty line a client may send before it */
	LINE_EMPTY,		/* CR of that empty line seen */
	LINE_METHOD,
	LINE_TARGET,
	LINE_VERSION,
	LINE_END,		/* CR seen */
	/* field lines, of the head or the trailers */
	FIELD_START,
	FIELD_NAME,
	FIELD_VALUE,
	FIELD_END,		/* CR seen */
	FIELDS_END,		/* CR of the empty line seen */
	/* chunked body */
	CHUNK_SIZE,
	CHUNK_BLANK,		/* blanks after size or extension: only ';' may follow */
	CHUNK_NAME_START,
	CHUNK_NAME,
	CHUNK_NAME_BLANK,
	CHUNK_VALUE_START,
	CHUNK_VALUE,
	CHUNK_QUOTED,
	CHUNK_ESCAPE,
	CHUNK_QUOTED_END,
	CHUNK_LINE_END,		/* CR seen */
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	/* body of known length */
	BODY,
	/* standing still */
	HEAD_DONE,
	BODY_DONE,
	REFUSED,
};

static const char bare_lf[] = "line ended by LF without CR";
static const char bare_cr[] = "CR without LF";

void
guard_init(struct guard *g, const struct guard_limits *lim)
{
	*g = (struct guard){ .lim = *lim, .state = LINE_START };
}

static void
refuse(struct guard *g, int status, const char *why)
{
	g->state = REFUSED;
	g->status = status;
	g->why = why;
}

/* Behind the byte at p if it was good, at it if not: so the bytes before a fault are known exactly. */
static const char *
after(const struct guard *g, const char *p)
{
	return g->state == REFUSED ? p : p + 1;
}

static const char *
run(const char *p, const char *end, uint8_t bits)
{
	while (p < end && char_is(*p, bits))
		p++;
	return p;
}

/* A run of tchar, then one SP. */
static const char *
method(struct guard *g, const char *p, const char *end)
{
	const char *stop = run(p, end, CHAR_TOKEN);

	if ((size_t)(stop - p) > GUARD_METHOD_BYTES - g->index) {
		refuse(g, 501, "method too long");
		return p + (GUARD_METHOD_BYTES - g->index);
	}
	g->index += (unsigned)(stop - p);
	if (stop == end)
		return stop;
	if (*stop != ' ' || g->index == 0) {
		refuse(g, 400, "method is not a token followed by one space");
		return stop;
	}
	g->state = LINE_TARGET;
	return stop + 1;
}

/* A run of target bytes, then one SP. Which form the target has is for whoever knows the method. */
static const char *
target(struct guard *g, const char *p, const char *end)
{
	const char *stop = run(p, end, CHAR_TARGET);

	if ((size_t)(stop - p) > g->lim.url_bytes - g->url_seen) {
		refuse(g, 414, "request target too long");
		return p + (g->lim.url_bytes - g->url_seen);
	}
	g->url_seen += (size_t)(stop - p);
	if (stop == end)
		return stop;
	if (*stop != ' ' || g->url_seen == 0) {
		refuse(g, 400, "request target holds a byte that must be percent-encoded, or is missing");
		return stop;
	}
	g->state = LINE_VERSION;
	g->index = 0;
	return stop + 1;
}

/* Exactly HTTP/1.0 or HTTP/1.1 and CR. Another number in the right form is 505, anything else 400. */
static void
version(struct guard *g, char c)
{
	static const char	form[] = "HTTP/1.1\r";
	unsigned		at = g->index++;

	if (c == form[at] || (at == 7 && c == '0')) {
		if (c == '\r')
			g->state = LINE_END;
	} else if ((at == 5 || at == 7) && char_is(c, CHAR_DIGIT)) {
		refuse(g, 505, "HTTP version is neither 1.0 nor 1.1");
	} else {
		refuse(g, 400, "request line does not end in HTTP/1.0 or HTTP/1.1 and CR LF");
	}
}

static const char *
request_line(struct guard *g, const char *p, const char *end)
{
	switch (g->state) {
	case LINE_START:
		g->state = *p == '\r' ? LINE_EMPTY : LINE_METHOD;
		return *p == '\r' ? p + 1 : p;
	case LINE_EMPTY:
		if (*p != '\n')
			refuse(g, 400, bare_cr);
		else
			g->state = LINE_METHOD;
		return after(g, p);
	case LINE_METHOD:
		return method(g, p, end);
	case LINE_TARGET:
		return target(g, p, end);
	case LINE_VERSION:
		version(g, *p);
		return after(g, p);
	default:
		if (*p != '\n')
			refuse(g, 400, bare_cr);
		else
			g->state = FIELD_START;
		return after(g, p);
	}
}

/* The first byte of a line: the empty line, or a name. Counted here, so that one header too many is seen at once. */
static void
field_start(struct guard *g, char c)
{
	if (c == '\r')
		g->state = FIELDS_END;
	else if (char_blank(c))
		refuse(g, 400, "header line begins with a blank");
	else if (c == '\n')
		refuse(g, 400, bare_lf);
	else if (!char_is(c, CHAR_TOKEN))
		refuse(g, 400, "header name is empty or not a token");
	else if (!g->trailers && g->headers_seen++ == g->lim.header_count)
		refuse(g, 431, "too many headers");
	else
		g->state = FIELD_NAME;
}

static const char *
field_name(struct guard *g, const char *p, const char *end)
{
	p = run(p, end, CHAR_TOKEN);
	if (p == end)
		return p;
	if (*p == ':')
		g->state = FIELD_VALUE;
	else if (char_blank(*p))
		refuse(g, 400, "blank between header name and colon");
	else
		refuse(g, 400, "header name is not a token followed by a colon");
	return after(g, p);
}

static const char *
field_value(struct guard *g, const char *p, const char *end)
{
	p = run(p, end, CHAR_VALUE);
	if (p == end)
		return p;
	if (*p == '\r')
		g->state = FIELD_END;
	else
		refuse(g, 400, *p == '\n' ? bare_lf : "control byte in a header value");
	return after(g, p);
}

static const char *
field(struct guard *g, const char *p, const char *end)
{
	switch (g->state) {
	case FIELD_START:
		field_start(g, *p);
		return after(g, p);
	case FIELD_NAME:
		return field_name(g, p, end);
	case FIELD_VALUE:
		return field_value(g, p, end);
	case FIELD_END:
		if (*p != '\n')
			refuse(g, 400, bare_cr);
		else
			g->state = FIELD_START;
		return after(g, p);
	default:
		if (*p != '\n')
			refuse(g, 400, bare_cr);
		else
			g->state = g->trailers ? BODY_DONE : HEAD_DONE;
		return after(g, p);
	}
}

/* Everything made of lines, within its limit of bytes: what lies beyond the limit is not looked at. */
static const char *
lines(struct guard *g, const char *p, const char *end)
{
	size_t		*seen = g->trailers ? &g->trailer_seen : &g->head_seen;
	size_t		 room = (g->trailers ? g->lim.trailer_bytes : g->lim.head_bytes) - *seen;
	const char	*stop = (size_t)(end - p) > room ? p + room : end;
	const char	*at = p;

	while (at < stop && g->state <= FIELDS_END)
		at = g->state < FIELD_START ? request_line(g, at, stop) : field(g, at, stop);
	*seen += (size_t)(at - p);
	if (g->state <= FIELDS_END && at < end) {
		if (g->state < FIELD_START)
			refuse(g, 414, "request line too long");
		else
			refuse(g, 431, g->trailers ? "trailers too long" : "headers too long");
	}
	return at;
}

static void
chunk_line_end(struct guard *g, char c)
{
	if (c != '\n') {
		refuse(g, 400, bare_cr);
	} else if (g->body_left > g->lim.body_bytes - g->body_seen) {
		refuse(g, 413, "body too long");
	} else if (g->body_left == 0) {
		g->trailers = true;
		g->state = FIELD_START;
	} else {
		g->body_seen += g->body_left;
		g->state = CHUNK_DATA;
	}
}

static void
chunk_size(struct guard *g, char c)
{
	if (char_is(c, CHAR_HEX)) {
		g->body_left = g->body_left << 4 | char_hex(c);
		if (g->index++ == GUARD_CHUNK_DIGITS || g->body_left > UINT32_MAX)
			refuse(g, 400, "chunk size too long");
	} else if (g->index == 0) {
		refuse(g, 400, "chunk size is not hexadecimal");
	} else if (c == '\r') {
		g->state = CHUNK_LINE_END;
	} else if (c == ';') {
		g->state = CHUNK_NAME_START;
	} else if (char_blank(c)) {
		g->state = CHUNK_BLANK;
	} else {
		refuse(g, 400, "junk after a chunk size");
	}
}

/* Where the grammar of chunk-ext goes from each of its places; REFUSED where it does not. */
static enum state
chunk_extension_next(enum state s, char c)
{
	bool	blank = char_blank(c), tchar = char_is(c, CHAR_TOKEN);
	bool	ends = s == CHUNK_NAME || s == CHUNK_VALUE || s == CHUNK_QUOTED_END;

	if (s == CHUNK_QUOTED && c == '"')
		return CHUNK_QUOTED_END;
	if (s == CHUNK_QUOTED && c == '\\')
		return CHUNK_ESCAPE;
	if (s == CHUNK_QUOTED || s == CHUNK_ESCAPE)
		return char_is(c, CHAR_QUOTED) ? CHUNK_QUOTED : REFUSED;
	if (ends && c == '\r')
		return CHUNK_LINE_END;
	if ((ends || s == CHUNK_BLANK || s == CHUNK_NAME_BLANK) && c == ';')
		return CHUNK_NAME_START;
	if ((s == CHUNK_NAME || s == CHUNK_NAME_BLANK) && c == '=')
		return CHUNK_VALUE_START;
	if (s == CHUNK_VALUE_START && c == '"')
		return CHUNK_QUOTED;
	if (blank)
		return s == CHUNK_NAME ? CHUNK_NAME_BLANK : ends ? CHUNK_BLANK : s;
	if (tchar && (s == CHUNK_NAME_START || s == CHUNK_NAME))
		return CHUNK_NAME;
	if (tchar && (s == CHUNK_VALUE_START || s == CHUNK_VALUE))
		return CHUNK_VALUE;
	return REFUSED;
}

static void
chunk_extension(struct guard *g, char c)
{
	enum state next = chunk_extension_next((enum state)g->state, c);

	if (next == REFUSED)
		refuse(g, 400, "malformed chunk extension");
	else if (g->extension_seen++ == GUARD_EXTENSION_BYTES)
		refuse(g, 400, "chunk extensions too long");
	else
		g->state = (int)next;
}

static const char *
body_run(struct guard *g, const char *p, const char *end, enum state next)
{
	size_t n = (size_t)(end - p) < g->body_left ? (size_t)(end - p) : (size_t)g->body_left;

	g->body_left -= n;
	if (g->body_left == 0)
		g->state = (int)next;
	return p + n;
}

static const char *
chunk(struct guard *g, const char *p, const char *end)
{
	switch (g->state) {
	case CHUNK_SIZE:
		chunk_size(g, *p);
		return after(g, p);
	case CHUNK_LINE_END:
		chunk_line_end(g, *p);
		return after(g, p);
	case CHUNK_DATA:
		return body_run(g, p, end, CHUNK_DATA_CR);
	case CHUNK_DATA_CR:
		if (*p != '\r')
			refuse(g, 400, "chunk data is not followed by CR LF");
		else
			g->state = CHUNK_DATA_LF;
		return after(g, p);
	case CHUNK_DATA_LF:
		if (*p != '\n')
			refuse(g, 400, "chunk data is not followed by CR LF");
		else
			guard_body_chunked(g);
		return after(g, p);
	default:
		chunk_extension(g, *p);
		return after(g, p);
	}
}

enum guard_verdict
guard_feed(struct guard *g, const char *p, size_t n, size_t *taken)
{
	const char *at = p, *end = n > 0 ? p + n : p;

	while (at < end && g->state < HEAD_DONE) {
		if (g->state <= FIELDS_END)
			at = lines(g, at, end);
		else if (g->state == BODY)
			at = body_run(g, at, end, BODY_DONE);
		else
			at = chunk(g, at, end);
	}
	*taken = n > 0 ? (size_t)(at - p) : 0;
	switch (g->state) {
	case HEAD_DONE:
		return GUARD_HEAD_END;
	case BODY_DONE:
		return GUARD_BODY_END;
	case REFUSED:
		return GUARD_BAD;
	default:
		return GUARD_MORE;
	}
}

bool
guard_body_length(struct guard *g, uint64_t length)
{
	if (length > g->lim.body_bytes) {
		refuse(g, 413, "body too long");
		return false;
	}
	g->body_left = g->body_seen = length;
	g->state = length > 0 ? BODY : BODY_DONE;
	return true;
}

/* Also where each chunk after the first begins. */
void
guard_body_chunked(struct guard *g)
{
	g->state = CHUNK_SIZE;
	g->index = 0;
	g->body_left = 0;
}

void
guard_set_body_limit(struct guard *g, size_t body_bytes)
{
	g->lim.body_bytes = body_bytes;
}

int
guard_status(const struct guard *g)
{
	return g->status;
}

const char *
guard_why(const struct guard *g)
{
	return g->why != NULL ? g->why : "";
}
