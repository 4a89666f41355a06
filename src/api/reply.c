/*
 * reply: opens and closes the envelope; what does not fit its buffer becomes 503 there and nowhere else.
 */
#include <sys/types.h>

#include "api/api.h"
#include "api/reply.h"

void
reply_begin(struct json_out *j, struct buf *b, size_t max, bool success)
{
	buf_init(b, max);
	json_out_init(j, b);
	json_obj(j);
	json_kbool(j, "success", success);
	json_key(j, "data");
	json_obj(j);
}

void
reply_end(struct http_request *rq, struct json_out *j, int status)
{
	struct buf *b = j->b;

	json_obj_end(j);
	json_obj_end(j);
	if (!json_done(j))
		api_no_memory(rq);
	else
		http_answer(rq, status, "application/json", b);
	buf_free(b);
}
