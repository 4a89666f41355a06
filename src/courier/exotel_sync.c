/*
 * exotel_sync: an app's agents are fetched from Exotel's user mapping.
 */
#include <sys/types.h>

#include "courier/exotel_line.h"

void
courier_exotel_sync(struct courier *c, struct link_request *rq)
{
	(void)c;
	courier_answer_text(rq, FRAME_FAILED, "not yet");
}
