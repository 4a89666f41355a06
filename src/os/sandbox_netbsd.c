/*
 * sandbox on NetBSD: there is none. secmodel and Veriexec are the administrator's and for the whole system, chroot(2)
 * would hide the resolver's files and the database's socket. What stands is what child.c does everywhere: another user
 * without a way back, descriptors closed, no core file. Plain C, compiled on Linux; never run on NetBSD.
 */
#include <sys/types.h>

#include <stdio.h>

#include "os/sandbox.h"

enum sandbox_result
sandbox_enter(const struct sandbox *s, char what[SANDBOX_TEXT_SIZE])
{
	(void)s;
	snprintf(what, SANDBOX_TEXT_SIZE, "NetBSD has nothing that a process could confine itself with");
	return SANDBOX_NONE;
}

const char *
sandbox_verdict(int signo)
{
	(void)signo;
	return NULL;
}
