/*
 * offload: one detached thread and one pipe per job. The thread may touch nothing but the argument of its work and its
 * end of the pipe, because the rest of the program has no locks; the byte in the pipe is what hands the argument back.
 * Signals stay with the thread of the loop: a handler running here would be a second thread in code that knows of none.
 */
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "loop/offload.h"

#define OFFLOAD_STACK	(512 * 1024)	/* the resolver's modules need some; the default of 8M would count as memory */

struct job {
	void		(*work)(void *arg);
	loop_fn		 done;
	void		*arg;
	struct watch	*watch;
	int		 read_fd, write_fd;
};

static void *
in_thread(void *arg)
{
	struct job	*job = arg;
	int		 fd = job->write_fd;

	job->work(job->arg);
	/* From the byte on, the job belongs to the loop. */
	while (write(fd, "", 1) == -1 && errno == EINTR)
		continue;
	close(fd);
	return NULL;
}

/* The byte, or the end of the pipe should the write have failed: the work is over either way. */
static void
on_done(void *arg, unsigned what)
{
	struct job	*job = arg;
	loop_fn		 done = job->done;
	void		*done_arg = job->arg;
	char		 byte;

	(void)what;
	if (read(job->read_fd, &byte, 1) == -1)
		return;
	watch_free(job->watch);
	close(job->read_fd);
	free(job);
	done(done_arg);
}

static bool
start_thread(struct job *job)
{
	pthread_attr_t	attr;
	pthread_t	thread;
	sigset_t	all, before;
	int		error;

	if ((error = pthread_attr_init(&attr)) != 0) {
		errno = error;
		return false;
	}
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, OFFLOAD_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, &attr, in_thread, job);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	errno = error;
	return error == 0;
}

bool
offload(struct loop *l, void (*work)(void *arg), loop_fn done, void *arg)
{
	struct job	*job = calloc(1, sizeof(*job));
	int		 fds[2];

	if (job == NULL || pipe2(fds, O_CLOEXEC) == -1) {
		log_errno("cannot start a thread for a blocking call");
		free(job);
		return false;
	}
	*job = (struct job){ .work = work, .done = done, .arg = arg, .read_fd = fds[0], .write_fd = fds[1] };
	if (fcntl(fds[0], F_SETFL, O_NONBLOCK) == -1 || (job->watch = watch_new(l, fds[0], on_done, job)) == NULL ||
	    !watch_set(job->watch, LOOP_READ) || !start_thread(job)) {
		log_errno("cannot start a thread for a blocking call");
		watch_free(job->watch);
		close(fds[0]);
		close(fds[1]);
		free(job);
		return false;
	}
	return true;
}
