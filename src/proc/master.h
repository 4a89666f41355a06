/*
 * master: the process that outlives the others. Only master_run() is for main; the struct is for proc/ alone.
 */
#ifndef RINGD_MASTER_H
#define RINGD_MASTER_H

#include <sys/types.h>

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "os/notify.h"
#include "os/pidfile.h"
#include "os/title.h"
#include "proc/birth.h"
#include "proc/child.h"
#include "proc/generation.h"
#include "proc/scoreboard.h"
#include "proc/slot.h"
#include "proc/upgrade.h"

struct master_setup {
	const struct role	*roles;
	size_t			 nroles;
	const char		*conf_path;	/* absolute: the working directory may change */
	struct conf		*conf;		/* loaded and checked; the master's from now on */
	bool			 detach;	/* leave the terminal; the first process ends when it is ready */
	bool			 log_stderr;	/* whatever log.to says */
	struct title		 title;
	struct notify		 notify;
	struct birth		*birth;
	char			*const *argv;		/* as we were started, for the program that replaces this one */
	const char		*start_dir;		/* where; absolute */
};

/* Before there is a master, at an upgrade: tells the one before us why there will be none. */
void	master_refuse(const struct birth *b, int code, const char *why);
/* Runs ringd from here to its end; the exit code. When detaching it returns in the daemon only. */
int	master_run(const struct master_setup *setup);

#define LEAVING_MAX	4	/* so many drain at once before the next reload waits; each child has its connection */
#define HOW_SIZE	96

enum stopping { RUNNING, DRAINING, KILLING };

struct master {
	const struct master_setup *setup;
	struct scoreboard	*board;
	struct tls_tickets	*tickets;	/* keys of session tickets: ours to change, the workers' to use */
	int64_t			 tickets_ms;	/* when they were last changed */
	struct slot		 slot[SCORE_SLOTS];
	/* A child belongs to one of them as long as it lives. */
	struct generation	*coming;	/* getting ready; at the start, the first */
	struct generation	*serving;	/* NULL until the first is ready */
	struct generation	*leaving[LEAVING_MAX];	/* draining, or being killed; oldest first */
	size_t			 nleaving;
	struct report		 report;	/* see outcome.h */
	struct upgrade		 upgrade;
	bool			 handed_over;	/* another process is the master now */
	bool			 taking_over;	/* and we are not yet: pid file and socket files are still the other's */
	int			 link_fd;	/* to the master before us while taking over; -1: it is gone, or never was */
	bool			 link_said;
	bool			 wait_told;	/* that a reload or upgrade has to wait is in the log */
	int64_t			 alive_due_ms;	/* when the service manager's watchdog hears from us again */
	int			 wake[2];	/* workers to reaper */
	int			 use[2];	/* the same way: which keys are used */
	struct tally		 tally;
	int			 life[2];	/* we alone hold the write end: EOF tells children we are gone */
	struct pidfile		 pidfile;
	sigset_t		 outside;	/* the mask to sleep with */
	int			 start_fd;	/* who started us waits here; -1 */
	enum stopping		 stopping;
	int64_t			 stop_by_ms;	/* draining: who is left then is killed */
	int			 exit_code;
};

/* Opens the log that c asks for and makes a file the service user's. -1 with errno, the old one still open. */
int	master_open_log(const struct master *m, const struct conf *c, const struct service_user *user);
enum log_target	master_log_target(const struct master *m, const struct conf *c);
/* Serves signals, deaths and clocks until the last child is gone. */
void	master_loop(struct master *m);
/* Ends the start or the run: signo to every child, then wait for them. */
void	master_stop(struct master *m, int signo);
/* "was killed by signal 9 (Killed)", "ended with exit code 1" */
void	master_describe_death(int status, char how[HOW_SIZE]);
/* The first start came to its end, one way or the other: tells whoever waits. */
void	master_report_start(struct master *m, int code, const char *text);

#endif
