/*
 * log_levels: which modules and apps log at another level than the configuration says, changed while everything runs.
 * The table lies in memory that all processes share; whoever changes it raises `version`, whoever logs compares that
 * one word with what it last saw. Nobody locks: a process that dies in the middle of a change costs its slot, until the
 * restart, and nothing else.
 */
#ifndef RINGD_LOG_LEVELS_H
#define RINGD_LOG_LEVELS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"

#define LOG_OVERRIDES	32	/* at one time */
#define LOG_MODULE_SIZE	16	/* a module's name: a folder of src/, [a-z_], and a NUL */

/* Zeroed is empty. */
struct log_levels {
	_Atomic uint32_t	version;
	struct log_slot {
		_Atomic uint64_t	state;		/* kind, level, end and count of changes in one word */
		_Atomic uint64_t	name[4];	/* module and app; written only while the slot is nobody's */
	} slot[LOG_OVERRIDES];
};

struct log_override {
	char		module[LOG_MODULE_SIZE];	/* "" = any */
	char		app[UUID_TEXT_SIZE];		/* "" = any; lower case */
	int		level;				/* enum log_level */
	int64_t		until_ms;			/* monotonic; INT64_MAX = until it is taken back */
};

/* What holds now. Returns how many; *version is what the copy stands for. */
size_t	log_levels_read(struct log_levels *t, struct log_override out[LOG_OVERRIDES], int64_t now_ms, uint32_t *version);
/* Adds, or changes the one with the same module and app. false: no slot is free. */
bool	log_levels_set(struct log_levels *t, const struct log_override *o, int64_t now_ms);
/* Takes back the one with exactly this module and app ("" as above), or with both NULL all. Returns how many. */
size_t	log_levels_reset(struct log_levels *t, const char *module, const char *app);

#endif
