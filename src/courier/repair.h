/*
 * repair: lost events and ghosts. gaps.c knows the spans in which events may have been lost, repair.c claims them, gap.c
 * works on one, ghosts.c asks about single calls that should long be over. Private to courier/.
 */
#ifndef RINGD_COURIER_REPAIR_H
#define RINGD_COURIER_REPAIR_H

#include "courier/internal.h"

/* Each: false without memory; begins nothing more after stop; freed after the database is gone. */
bool	gaps_start(struct courier *c);
void	gaps_stop(struct courier *c);
void	gaps_free(struct courier *c);

bool	repair_start(struct courier *c);
void	repair_leave(struct courier *c);	/* while the loop still runs: what is claimed is handed over to whoever comes */
void	repair_stop(struct courier *c);
void	repair_free(struct courier *c);

bool	ghosts_start(struct courier *c);
void	ghosts_stop(struct courier *c);
void	ghosts_free(struct courier *c);

/* A pause before the next try of something that failed `attempts` times in a row before. */
int64_t	repair_backoff_ms(int64_t attempts, int64_t min_ms, int64_t max_ms);

#endif
