/*
 * dialpad_rest: Dialpad's REST answers, read, and what follows from them, decided. Pure. Ids come as numbers or as
 * strings of digits, lists may lack their items when empty and go on while they hold a cursor (Dialpad's OpenAPI
 * document and captures).
 */
#ifndef RINGD_DIALPAD_REST_H
#define RINGD_DIALPAD_REST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json_read.h"
#include "base/secret.h"

#define DIALPAD_CURSOR_MAX	1024	/* bytes of a cursor that are taken */

struct dialpad_page {
	struct json_doc	 doc;
	struct json	 items;			/* an array, or absent when empty */
	struct str	 cursor;		/* absent on the last page */
};

/* false: no list. Everything lives in the arena; the body must outlive it. */
bool	dialpad_page(struct dialpad_page *p, struct arena *a, struct str body);

/* One webhook among those of the company: what to do about it. */
enum dialpad_hook_verdict {
	DIALPAD_HOOK_FOREIGN,		/* another address: not ours to touch */
	DIALPAD_HOOK_OURS,		/* our address, our secret */
	DIALPAD_HOOK_MEND,		/* our token in its address, but another secret, or another server before it */
};

struct str	dialpad_item_id(struct json item);	/* digits; absent when there are none */
struct str	dialpad_subscription_hook(struct json item);	/* the id of the webhook it is of, likewise */
/* What an answer says went wrong, for people; absent when it says nothing, or shows what must not be seen. */
struct str	dialpad_complaint(struct arena *a, struct str body);
enum dialpad_hook_verdict dialpad_judge_hook(struct json item, struct arena *a, struct str hook_url, struct str secret);

/* One call subscription. */
enum dialpad_subscription_verdict {
	DIALPAD_SUBSCRIPTION_FOREIGN,	/* of another webhook */
	DIALPAD_SUBSCRIPTION_GOOD,	/* enabled, company-wide, and with every state we use */
	DIALPAD_SUBSCRIPTION_MEND,	/* of our webhook, but it has to be patched */
};

enum dialpad_subscription_verdict dialpad_judge_subscription(struct json item, struct str webhook_id);

/* Bodies. The first holds a secret. */
void	dialpad_hook_body(struct buf *b, struct str hook_url, struct str secret);
void	dialpad_subscription_body(struct buf *b, struct str webhook_id);

/*
 * What follows the path of GET /call: calls that began from..to (ms), newest first; cursor absent: the first page. `to` must
 * not be in the future, or Dialpad answers 400.
 */
void	dialpad_calls_query(struct buf *b, int64_t from_ms, int64_t to_ms, struct str cursor);
/*
 * A record of GET /call or GET /call/{id} as the event Dialpad would have sent: the record itself, with state and event_timestamp of its
 * end. false (b untouched): no call id, or the call goes on.
 */
bool	dialpad_call_event(struct buf *b, struct json record);
int64_t	dialpad_call_started(struct json record);	/* ms; LEG_NONE when absent */

#endif
