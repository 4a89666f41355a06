/*
 * cancel: asks the server to stop the statement that runs now. PQcancel blocks (it makes a connection of its own), so it runs in an
 * offload thread. A cancel aims at whatever runs when it arrives, which may by then be the next job's: that job sees
 * DB_DISTURBED and is submitted again by its owner.
 */
#include <sys/types.h>
#include <stdlib.h>

#include "base/log.h"
#include "db/db_internal.h"
#include "loop/offload.h"

struct cancel {
	PGcancel	*handle;
	struct db	*db;		/* NULL: the connection was given up meanwhile; only the loop's thread looks here */
	bool		 sent;
	char		 error[256];
};

static void
in_thread(void *arg)
{
	struct cancel *c = arg;

	c->sent = PQcancel(c->handle, c->error, sizeof(c->error)) == 1;
}

static void
finished(void *arg)
{
	struct cancel *c = arg;

	if (!c->sent)
		log_event(LEVEL_WARN, "database cancel failed", LOG_C("reason", c->error));
	if (c->db != NULL) {
		c->db->cancels++;	/* once more: jobs sent while it was on its way may be hit as well */
		c->db->cancel = NULL;
	}
	PQfreeCancel(c->handle);
	free(c);
}

bool
db_cancel_running(struct db *db)
{
	struct cancel *c;

	if (db->cancel != NULL)
		return false;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return false;
	c->db = db;
	c->handle = PQgetCancel(db->pg);
	if (c->handle == NULL || !offload(db->loop, in_thread, finished, c)) {
		PQfreeCancel(c->handle);
		free(c);
		return false;
	}
	db->cancels++;
	db->cancel = c;
	log_warn("database: a statement ran past its deadline and is being cancelled");
	return true;
}

void
db_cancel_abandon(struct db *db)
{
	if (db->cancel != NULL)
		db->cancel->db = NULL;
	db->cancel = NULL;
}
