/*
 * dial_tag: how a call we placed is known again among the events of all calls. Providers hand custom data through from
 * the request to the events of the call, so it begins with our mark and the dial's id; what the client gave follows
 * after a blank. Pure.
 */
#ifndef RINGD_DIAL_TAG_H
#define RINGD_DIAL_TAG_H

#include "base/buf.h"
#include "base/str.h"
#include "base/uuid.h"

void	dial_tag_write(struct buf *b, struct uuid dial, struct str custom_data);	/* absent: the mark alone */
/* Takes the mark off *custom_data, which becomes absent when nothing else was in it. false: no mark; nothing changed. */
bool	dial_tag_take(struct str *custom_data, struct uuid *dial);

#endif
