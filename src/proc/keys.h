/*
 * keys: the key ring's way from its file to the courier. The master reads the file while it is still root, at the start
 * and at each reload, and keeps the text as long as the generation lives, because a courier that dies is started again
 * from it. A child inherits the text by fork; every role but the courier wipes its copy before it begins.
 */
#ifndef RINGD_KEYS_H
#define RINGD_KEYS_H

#include <stdbool.h>

#include "conf/conf.h"
#include "crypt/keyring.h"

/*
 * Right after conf_load(): fills c->keyring if the configuration names a key file. false with why: the file is not there,
 * open to others, or not a key ring.
 */
bool	keys_load(struct conf *c, char why[KEYRING_WHY_SIZE]);

#endif
