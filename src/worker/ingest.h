/*
 * ingest: group commit of verified events. While one batch is under way in the database everything that arrives becomes the next one: no timer,
 * so no wait at low load, and one commit for many at high load. An event is answered only after its commit.
 */
#ifndef RINGD_INGEST_H
#define RINGD_INGEST_H

#include "api/api.h"

struct ingest;

struct ingest	*ingest_new(struct db *db, const struct conf *c, struct score *score, int wake_fd);	/* NULL without memory */
void		 ingest_free(struct ingest *in);
/* struct api's store: d->done is called once, from inside only when webhooks.queue_bytes is reached (STORE_AWAY). */
void		 ingest_store(void *ingest, struct delivery *d);

#endif
