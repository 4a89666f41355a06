# ringd's one Makefile, for GNU make and the BSDs' make alike: no % rules, no ifeq, no $^, no $< outside suffix rules.
#
#	make			ringd and ringctl
#	make check		units, layers, manual pages
#	make check-e2e		the daemon against a throw-away PostgreSQL
#	make check-asan		both again under AddressSanitizer and UBSan
#	make install		DESTDIR and PREFIX are honoured; never touches a live configuration, never starts anything
#	make ribbon		the call ribbon for browsers, into build/ribbon (needs node and npm; nothing else here does)
#	make check-ribbon	the ribbon: its units, then in a real browser against a real SIP server
#	make fuzz, make soak-dialpad	long runs, by hand

PREFIX		?= /usr/local
SBINDIR		?= $(PREFIX)/sbin
MANDIR		?= $(PREFIX)/share/man
SYSCONFDIR	?= /etc
DATADIR		?= $(PREFIX)/share/ringd
EXAMPLESDIR	?= $(PREFIX)/share/examples/ringd
COMPLETIONDIR	?= $(PREFIX)/share/bash-completion/completions
ZSHDIR		?= $(PREFIX)/share/zsh/site-functions
RCDIR		?= $(SYSCONFDIR)/rc.d
UNITDIR		?= $(PREFIX)/lib/systemd/system
INSTALL		?= install
PKG_CONFIG	?= pkg-config

CC		?= cc
OPTIMIZE	?= -O2 -g
HARDEN		?= -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
HARDEN_LD	?= -pie -Wl,-z,relro -Wl,-z,now
SANITIZE	?=
WARN		= -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion -Werror

OS		!= uname -s
FEATURES_Linux	= -D_GNU_SOURCE
PKGS		= libpq openssl yaml-0.1 libevent_core libcurl
PKG_CFLAGS	!= $(PKG_CONFIG) --cflags $(PKGS)
PKG_LIBS	!= $(PKG_CONFIG) --libs libpq openssl yaml-0.1 libevent_core
CURL_LIBS	!= $(PKG_CONFIG) --libs libcurl

PATHS		= -DRINGD_CONF_PATH='"$(SYSCONFDIR)/ringd/ringd.yaml"' -DSQLDIR='"$(DATADIR)/sql"'
ALL_CFLAGS	= -std=c11 $(FEATURES_$(OS)) -Isrc $(PKG_CFLAGS) $(PATHS) $(OPTIMIZE) $(HARDEN) $(WARN) $(SANITIZE) $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS	= $(HARDEN_LD) $(SANITIZE) $(LDFLAGS)
LIBS		= $(PKG_LIBS) -lhttp_parser -lpthread

# Files for another system, or for a technique it lacks, say so in their names.
OTHER_Linux	= bsd.c|_setuid.c
OTHER_FreeBSD	= _linux.c|_netbsd.c|_openbsd.c|_setuid.c
OTHER_NetBSD	= _linux.c|_freebsd.c|_openbsd.c|_setresuid.c
OTHER_OpenBSD	= _linux.c|_freebsd.c|_netbsd.c|_setuid.c

DAEMON_SRCS	!= ls src/*/*.c | grep -v '^src/ctl/' | grep -Ev "$(OTHER_$(OS))"
HEADERS		!= ls src/*.h src/*/*.h
CTL_SRCS	!= ls src/ctl/*.c | grep -v '/ringctl.c$$'
TEST_SRCS	!= ls tests/unit/test_*.c | grep -Ev "$(OTHER_$(OS))"
DAEMON_OBJS	= $(DAEMON_SRCS:.c=.o)
CTL_OBJS	= $(CTL_SRCS:.c=.o)
TESTS		= $(TEST_SRCS:.c=.test)

.SUFFIXES: .c .o .test

all: ringd ringctl

ringd: src/main.o $(DAEMON_OBJS)
	@echo "  link	$@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ src/main.o $(DAEMON_OBJS) $(LIBS) $(CURL_LIBS)

ringctl: src/ctl/ringctl.o $(CTL_OBJS) $(DAEMON_OBJS)
	@echo "  link	$@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ src/ctl/ringctl.o $(CTL_OBJS) $(DAEMON_OBJS) $(LIBS) $(CURL_LIBS)

.c.o:
	@echo "  cc	$@"
	@$(CC) $(ALL_CFLAGS) -c -o $@ $<

# Any header makes every object old: simpler than a dependency file, never wrong, and the whole build takes seconds.
src/main.o src/ctl/ringctl.o $(DAEMON_OBJS) $(CTL_OBJS): $(HEADERS)

build/libringd.a: $(DAEMON_OBJS) $(CTL_OBJS)
	@mkdir -p build
	@rm -f $@
	@ar rcs $@ $(DAEMON_OBJS) $(CTL_OBJS)

.c.test:
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< build/libringd.a $(LIBS) $(CURL_LIBS) -lcmocka

$(TESTS): build/libringd.a

units: $(TESTS)
	@tests/run-units.sh $(TESTS)

lint:
	@tests/layers.sh
	@tests/docs.sh

check: all units lint

check-e2e: all
	@tests/e2e/run.sh

ribbon:
	@tests/ribbon/modules.sh src/ribbon
	@node src/ribbon/build.js build/ribbon

check-ribbon:
	@tests/ribbon/run.sh

check-asan:
	@tests/asan.sh

fuzz:
	@tests/fuzz/run.sh

soak-dialpad: all
	@RINGD_SOAK_TRIES=100 tests/e2e/run.sh tests/e2e/test_renewal.py

bench: all
	@tests/bench/run.sh

soak: all build/libringd.a
	@tests/bench/soak.sh

install: all
	$(INSTALL) -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man7 $(DESTDIR)$(MANDIR)/man8 \
	    $(DESTDIR)$(DATADIR)/sql $(DESTDIR)$(EXAMPLESDIR)/proxy $(DESTDIR)$(COMPLETIONDIR) $(DESTDIR)$(ZSHDIR)
	$(INSTALL) -m 755 ringd ringctl $(DESTDIR)$(SBINDIR)
	$(INSTALL) -m 644 man/ringd.8 man/ringctl.8 $(DESTDIR)$(MANDIR)/man8
	$(INSTALL) -m 644 man/ringd.yaml.5 $(DESTDIR)$(MANDIR)/man5
	$(INSTALL) -m 644 man/ringd-api.7 man/ringd-ribbon.7 man/ringd-security.7 $(DESTDIR)$(MANDIR)/man7
	$(INSTALL) -m 644 sql/*.sql $(DESTDIR)$(DATADIR)/sql
	$(INSTALL) -m 644 etc/ringd.yaml $(DESTDIR)$(EXAMPLESDIR)/ringd.yaml.sample
	$(INSTALL) -m 644 etc/proxy/nginx.conf etc/proxy/haproxy.cfg etc/proxy/relayd.conf $(DESTDIR)$(EXAMPLESDIR)/proxy
	$(INSTALL) -d $(DESTDIR)$(EXAMPLESDIR)/crm
	$(INSTALL) -m 644 etc/examples/crm/index.html etc/examples/crm/crm.js etc/examples/crm/crm.css $(DESTDIR)$(EXAMPLESDIR)/crm
	$(INSTALL) -m 755 etc/examples/crm/server.py $(DESTDIR)$(EXAMPLESDIR)/crm
	@if [ -d build/ribbon ]; then \
	    $(INSTALL) -d $(DESTDIR)$(DATADIR)/ribbon && for f in build/ribbon/*/*; do $(INSTALL) -m 644 $$f $(DESTDIR)$(DATADIR)/ribbon || exit 1; done; \
	else echo "no ribbon was built (make ribbon); without it ringd serves none"; fi
	$(INSTALL) -m 644 etc/completion/ringctl.bash $(DESTDIR)$(COMPLETIONDIR)/ringctl
	$(INSTALL) -m 644 etc/completion/_ringctl $(DESTDIR)$(ZSHDIR)/_ringctl

install-systemd:
	$(INSTALL) -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(PREFIX)/lib/sysusers.d
	sed -e 's|/usr/local/sbin|$(SBINDIR)|g' -e 's|/etc/ringd|$(SYSCONFDIR)/ringd|g' etc/ringd.service > $(DESTDIR)$(UNITDIR)/ringd.service
	chmod 644 $(DESTDIR)$(UNITDIR)/ringd.service
	$(INSTALL) -m 644 etc/ringd.socket $(DESTDIR)$(UNITDIR)/ringd.socket
	$(INSTALL) -m 644 etc/ringd.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/ringd.conf

install-rc:
	$(INSTALL) -d $(DESTDIR)$(RCDIR)
	@case $(OS) in FreeBSD|OpenBSD|NetBSD) ;; *) echo "no rc script for $(OS); see install-systemd" >&2; exit 1 ;; esac
	$(INSTALL) -m 755 rc.d/ringd.`echo $(OS) | tr A-Z a-z` $(DESTDIR)$(RCDIR)/ringd

uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/ringd $(DESTDIR)$(SBINDIR)/ringctl $(DESTDIR)$(MANDIR)/man8/ringd.8 \
	    $(DESTDIR)$(MANDIR)/man8/ringctl.8 $(DESTDIR)$(MANDIR)/man5/ringd.yaml.5 $(DESTDIR)$(MANDIR)/man7/ringd-api.7 \
	    $(DESTDIR)$(MANDIR)/man7/ringd-ribbon.7 $(DESTDIR)$(MANDIR)/man7/ringd-security.7 $(DESTDIR)$(COMPLETIONDIR)/ringctl \
	    $(DESTDIR)$(ZSHDIR)/_ringctl
	rm -rf $(DESTDIR)$(DATADIR) $(DESTDIR)$(EXAMPLESDIR)

clean:
	find src tests -name '*.o' -exec rm -f {} + -o -name '*.test' -exec rm -f {} +
	rm -rf build ringd ringctl

.PHONY: all units lint check check-e2e check-asan fuzz bench soak soak-dialpad ribbon check-ribbon install install-systemd install-rc uninstall clean
