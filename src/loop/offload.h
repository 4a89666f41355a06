/*
 * offload: runs one blocking call in a short-lived thread and calls back in the loop when it is done. For the two calls
 * that libraries offer only in blocking form: getaddrinfo and PQcancel. The work function sees nothing but its argument,
 * takes no locks of ours and must end by itself.
 */
#ifndef RINGD_OFFLOAD_H
#define RINGD_OFFLOAD_H

#include <stdbool.h>

#include "loop/loop.h"

/* work(arg) in a thread, then done(arg) in the loop. false: no thread could be had, done is not called.
 * arg must stay valid until done. All signals are blocked in the thread. */
bool	offload(struct loop *l, void (*work)(void *arg), loop_fn done, void *arg);

#endif
