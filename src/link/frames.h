/*
 * frames: the words workers and courier say to each other: length-prefixed, bounded, the same for question and answer.
 * Pure. On the wire, numbers big-endian:
 *
 *	length of what follows (4) | id (4) | kind (1) | code (1) | fields (1) | 0 (1) | timeout ms (4)
 *	then each field: length (4) | bytes
 */
#ifndef RINGD_FRAMES_H
#define RINGD_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define FRAME_HEAD		16
#define FRAME_FIELDS		8
#define FRAME_MARGIN_MS		1000	/* a question's timeout is longer than the work's by this, for the answer's way */
#define FRAME_MAX		((size_t)256 * 1024)	/* a whole frame */

enum frame_kind {
	FRAME_HELLO,		/* the courier's first word: from now on it hears */
	FRAME_STATUS,		/* -> JSON: what it holds and does */
	FRAME_KEYS,		/* -> JSON: the keys it has, and how many values wait to be sealed anew */
	FRAME_REKEY,		/* where to go on, or "" -> JSON: one step's work, and where to go on */
	FRAME_PROBE,		/* provider -> JSON: does it answer? */
	FRAME_CONNECT,		/* app, code, verifier -> JSON: outcome (a word of api/oauth_pages.h), detail for people */
	FRAME_REFRESH,		/* app -> JSON: outcome, why */
	FRAME_ROTATE,		/* app, overlap in ms -> JSON: outcome */
	FRAME_DISCONNECT,	/* app -> JSON: outcome */
	FRAME_DIAL,		/* app, dial -> JSON: outcome (a word of providers/dialpad_dial.h), call_id, wait_ms */
	FRAME_RIBBON_LINE,	/* app, agent -> JSON: outcome (ok, not_linked, inactive, agent_unknown, broken), user, domain, server */
	FRAME_RIBBON_DIAL,	/* app, ribbon call -> JSON: outcome (a word of providers/exotel_dial.h), call_sid, wait_ms */
	FRAME_RIBBON_SIGN,	/* app, session, JSON of the challenge -> JSON: outcome (ok, session, realm, uri, method, algorithm, */
				/* limit, not_linked), authorization, wait_ms */
	FRAME_EXOTEL_SYNC,	/* app -> JSON: outcome, seen, added, changed, why */
	FRAME_KINDS,
};

enum frame_code {		/* of an answer; 0 in a question */
	FRAME_OK,		/* field 0: JSON, the object of "data" */
	FRAME_INVALID,		/* the question: field 0 says what is wrong */
	FRAME_DATABASE,		/* the courier's database is away or refused; field 0 says why */
	FRAME_BUSY,		/* too much at once */
	FRAME_FAILED,		/* field 0 says why */
	FRAME_CODES,
};

struct frame {
	uint32_t	id;			/* the caller's, back in the answer; 0 in a hello */
	uint8_t		kind, code;
	uint32_t	timeout_ms;		/* a question's: worth answering for so long */
	uint8_t		nfields;
	struct str	field[FRAME_FIELDS];	/* into the bytes parsed, or anywhere when written */
};

/* Bytes the first frame takes; 0: more are needed; -1: no frame, and nothing after it can be one. */
long	frame_parse(struct frame *f, struct str bytes);
size_t	frame_size(const struct frame *f);	/* written; 0: over FRAME_MAX, or too many fields */
/* Appends f; what frame_size() gives 0 for fails the buf. */
void	frame_write(struct buf *out, const struct frame *f);

#endif
