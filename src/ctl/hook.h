/*
 * hook: what the files about hooks and their secrets share.
 */
#ifndef RINGD_CTL_HOOK_H
#define RINGD_CTL_HOOK_H

#include "ctl/ctl.h"

/* hook rotate --when-idle (hook_secrets.c). */
int	hook_end_idle(struct ctl *c, const struct args *a);
/* hook rotate of a hook a connection made (dialpad_manage.c): the daemon changes the secret, here and at Dialpad. */
int	dialpad_rotate(struct ctl *c, const struct args *a, const struct ctl_app *app);

#endif
