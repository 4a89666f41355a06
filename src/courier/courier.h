/*
 * courier: the process that speaks to providers, and the only one that holds the key ring and decrypted credentials.
 */
#ifndef RINGD_COURIER_H
#define RINGD_COURIER_H

#include "proc/child.h"

int	courier_main(const struct heritage *h);

#endif
