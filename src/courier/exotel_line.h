/*
 * exotel_line: what the courier needs to act for one agent at Exotel: the account's credentials and the agent's, opened. Private
 * to courier/. Lives for one piece of work and is wiped after it.
 */
#ifndef RINGD_EXOTEL_LINE_H
#define RINGD_EXOTEL_LINE_H

#include "base/arena.h"
#include "courier/internal.h"
#include "providers/exotel_account.h"

enum line_state {
	LINE_OK,
	LINE_NOT_LINKED,	/* no account */
	LINE_INACTIVE,		/* app, account or agent is switched off */
	LINE_AGENT_UNKNOWN,
	LINE_BROKEN,		/* sealed values do not open: logged */
	LINE_STATES
};

struct exotel_line {
	struct arena		 arena;
	struct exotel_account	 account;
	struct exotel_agent	 agent;		/* all absent for somebody who only has a telephone */
	struct str		 caller_id, phone;	/* of the account; of the agent */
};

const char	*line_state_word(enum line_state s);	/* "not_linked": stable, for machines */
/* Reads the columns LINE_COLUMNS of stmt_courier.c, the first being `column` of row 0 of the i-th result. exotel_line_free() in any case. */
enum line_state	 exotel_line_read(struct exotel_line *l, struct courier *c, struct uuid app, const struct db_result *r, int i,
		    int column);
void		 exotel_line_free(struct exotel_line *l);
/* A sealed JSON text, as hex from the database, opened into the arena. Absent: it does not open; logged. */
struct str	 exotel_line_open(struct courier *c, struct arena *a, const char *table, struct uuid app, struct uuid row, struct str hex);
/* "key:token" of the voice API as an Authorization header, or the app's token, bare, as Exotel wants it. */
bool		 exotel_line_basic(struct secret *header, const struct exotel_account *x);
bool		 exotel_line_token(struct secret *header, const struct exotel_account *x);

#endif
