/*
 * detach: the start of a daemon whose exit status can be believed. The process that was started stays until the first
 * generation is ready or has failed, because a script that goes on earlier would find nobody listening.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proc/child.h"
#include "proc/detach.h"

/* A report is one byte of exit code and a text; none at all means that the daemon died. */
static _Noreturn void
wait_for_report(int fd, pid_t middle)
{
	char text[DETACH_TEXT_MAX];
	unsigned char code;
	ssize_t n;

	while (waitpid(middle, NULL, 0) == -1 && errno == EINTR)
		;
	while ((n = read(fd, &code, 1)) == -1 && errno == EINTR)
		;
	if (n != 1) {
		fprintf(stderr, "ringd: it died before it was ready; the log may say why\n");
		_exit(EXIT_FAULT);
	}
	while ((n = read(fd, text, sizeof(text))) == -1 && errno == EINTR)
		;
	if (n > 0)
		fprintf(stderr, "ringd: %.*s\n", (int)n, text);
	_exit(code);
}

int
detach(void)
{
	int report[2], saved;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) == -1)
		return -1;
	pid = fork();
	if (pid == -1) {
		saved = errno;
		close(report[0]);
		close(report[1]);
		errno = saved;
		return -1;
	}
	if (pid > 0) {
		close(report[1]);
		wait_for_report(report[0], pid);
	}
	close(report[0]);
	/* The second fork: not a session's leader, so that no terminal opened later can become ours. */
	if (setsid() == -1 || (pid = fork()) == -1 || chdir("/") == -1)
		_exit(EXIT_FAULT);
	if (pid > 0)
		_exit(EXIT_OK);
	return report[1];
}

void
detach_say(int fd, int code, const char *text)
{
	char message[DETACH_TEXT_MAX];
	size_t len = strlen(text);

	if (len > sizeof(message) - 1)
		len = sizeof(message) - 1;
	message[0] = (char)code;
	memcpy(message + 1, text, len);
	while (write(fd, message, len + 1) == -1 && errno == EINTR)
		;
}

void
detach_report(int fd, int code, const char *text)
{
	detach_say(fd, code, text);
	close(fd);
}
