/*
 * exotel_users: a page of Exotel's user mapping: its agents, with what they register at SIP with. Pure.
 */
#ifndef RINGD_EXOTEL_USERS_H
#define RINGD_EXOTEL_USERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"

#define EXOTEL_PAGE_MAX		100	/* users of one page that we ask for and take */
#define EXOTEL_CURSOR_MAX	512

struct exotel_user {			/* absent: not said */
	struct str	id;		/* AppUserId: what the CRM calls the agent */
	struct str	name, email, phone;
	struct str	sip_user;	/* without "sip:" */
	struct str	sip_secret;	/* plain */
	bool		active;
};

struct exotel_users {
	struct exotel_user	user[EXOTEL_PAGE_MAX];
	size_t			n;
	struct str		next;	/* cursor of the page after it; absent: this is the last */
};

/* What follows the path. cursor absent: the first page. */
void	exotel_users_query(struct buf *b, struct str cursor);
/*
 * Texts live in the arena. false: this is no page of users. Users without an id are passed over. Wherever it stands: Data,
 * Data.Users, or one user as Data itself.
 */
bool	exotel_users_read(struct exotel_users *page, struct arena *a, struct str body);
/*
 * A SipSecret as it is used. Exotel encrypts it with a key that is printed in its own SDK, which protects nothing; a sample
 * in its documentation is plain, so what does not look encrypted is taken as it is. Absent without memory.
 */
struct str exotel_secret_open(struct arena *a, struct str secret);

#endif
