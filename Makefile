# airgap-ca: everything is built, tested and installed from here. `make help`.

SHELL   := /bin/sh
CC      ?= cc
ifeq ($(origin CC),default)
CC      := gcc
endif
V       ?= 0
Q       := $(if $(filter 1,$(V)),,@)
say      = $(if $(filter 1,$(V)),,@printf '  %-5s %s\n' $(1) $(2))
PREFIX  ?= /usr/local
VERSION := $(shell sed -n 's/^## \([0-9][0-9.]*\).*/\1/p' CHANGES.md 2>/dev/null | head -1)
B       := build$(if $(COVER),/cover,$(if $(FUZZ),/fuzz,$(if $(DEBUG),/debug)))
comma   := ,

# ---- packages ---------------------------------------------------------------------
# "a|b" names the same thing on bookworm and on trixie.
deps_run   := libssl3|libssl3t64 libp11-3|libp11-3t64 libp11-kit0 libcbor0.8|libcbor0.10 libsqlite3-0 libseccomp2 \
              libidn2-0 libunistring2|libunistring5 libjansson4 libqrencode4 opensc opensc-pkcs11
deps_build := gcc libc6-dev make pkg-config libssl-dev libp11-dev libp11-kit-dev libcbor-dev libsqlite3-dev \
              libseccomp-dev libidn2-dev libunistring-dev libjansson-dev libqrencode-dev
deps_test  := perl libcmocka-dev softhsm2 openssl gnutls-bin python3 python3-cbor2 python3-cryptography \
              strace faketime expect sqlite3 iproute2 util-linux mount procps mandoc binutils openssh-client easy-rsa
deps_bench := libengine-pkcs11-openssl
deps_tidy  := clang clang-tidy clang-format cppcheck libclang-rt-14-dev|libclang-rt-19-dev
deps_peers := prosody prosody-modules lua-unbound ejabberd jabberd2 unbound systemd libnss3-tools golang-go \
              pcscd vsmartcard-vpcd ykcs11 yubico-piv-tool nginx-light haproxy stunnel4 openvpn lua5.4 lua-sec
deps_media := user-mode-linux dosfstools dmsetup kmod
deps_core  := run: $(deps_run) build: $(deps_build) test: $(deps_test)
install_deps = @tests/tools/deps $(foreach d,$(1),'$(d)')

# ---- flags ------------------------------------------------------------------------
pkgs    := openssl libcbor sqlite3 libseccomp libidn2 jansson libqrencode p11-kit-1 libp11
pc      := $(pkgs)
probing := $(if $(filter-out help deps deps-% clean cover demo check check-media check-peers fuzz bench,$(or $(MAKECMDGOALS),all)),yes)

ifdef probing
ifneq ($(shell $(CC) -xc -c -o /dev/null /dev/null >/dev/null 2>&1 && echo ok),ok)
$(error no working C compiler "$(CC)": run `make deps`)
endif
ifneq ($(shell pkg-config --exists $(pc) && echo ok),ok)
$(error a library is missing: $(shell pkg-config --print-errors --exists $(pc) 2>&1 | head -1): run `make deps`)
endif
# A flag that `may` be refused, and one whose loss is an error: nothing is ever built
# without these because a probe went wrong.
may    = $(foreach f,$(1),$(shell $(CC) -Werror $(f) -xc -c -o /dev/null /dev/null 2>/dev/null && echo $(f)))
must   = $(foreach f,$(1),$(or $(call may,$(f)),$(error $(CC) does not take $(f))))
mustld = $(if $(shell echo 'int main(void) { return 0; }' | $(CC) -Werror -fPIE $(1) -xc -o /dev/null - 2>/dev/null && \
              echo ok),$(1),$(error $(CC) does not link with $(1)))
# clang 14 takes the zero of its own option only with an oath; gcc and clang 16 without.
all_of = $(if $(shell $(CC) -Werror $(1) -xc -c -o /dev/null /dev/null 2>/dev/null && echo ok),$(1))
zero  := -ftrivial-auto-var-init=zero
zero  := $(or $(call all_of,$(zero)),$(call all_of,$(zero) \
              -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang),$(error $(CC) does not take $(zero)))

cflags_pc := $(shell pkg-config --cflags $(pc) | sed 's/-I/-isystem /g')
libs_base     := $(shell pkg-config --libs openssl sqlite3 jansson)
libs_transfer := $(shell pkg-config --libs libcbor libseccomp libidn2 libqrencode) -lunistring
libs_token    := $(shell pkg-config --libs libp11 p11-kit-1 libseccomp) -ldl

warn := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wwrite-strings -Wformat=2 \
        -Wundef -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough \
        $(call may,-Wlogical-op -Wduplicated-cond)
hard := $(call must,-fstack-protector-strong -fPIE -fno-common) $(zero) \
        $(call may,-fstack-clash-protection -fcf-protection -fzero-call-used-regs=used-gpr -fstrict-flex-arrays=3)
hardld := $(call mustld,-pie -Wl$(comma)-z$(comma)relro$(comma)-z$(comma)now$(comma)-z$(comma)noexecstack$(comma)-z$(comma)defs)
san  := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif

CFLAGS  ?= -O2 -g
std     := -std=c17 -D_GNU_SOURCE -I. -DAIRGAP_VERSION='"$(or $(VERSION),0)"'
werror  := $(if $(CI),-Werror)
counted := --coverage -fprofile-update=atomic -fdata-sections -fno-builtin-fork -O0 -U_FORTIFY_SOURCE -Wno-maybe-uninitialized
countld := --coverage -Wl,-T,tests/lib/cover.ld $(B)/tests/lib/cover.o
checked := $(if $(COVER),$(counted),$(if $(DEBUG)$(FUZZ),$(san) $(if $(FUZZ),-fsanitize=fuzzer-no-link) -O1,\
              -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2))
cflags   = $(std) $(CFLAGS) $(warn) $(werror) $(hard) $(checked) $(cflags_pc)
ldflags  = $(hardld) -Wl,--as-needed $(if $(COVER),$(countld),$(if $(DEBUG)$(FUZZ),$(san))) $(LDFLAGS)

tidy_flags = -std=c17 -D_GNU_SOURCE -I. -DAIRGAP_VERSION=\"0\" -DAIRGAP_MADE=1 $(cflags_pc)

# ---- sources ----------------------------------------------------------------------
src_of   = $(sort $(shell find $(1) -name "*.c"))
is_prog  = $(filter-out base/%,$(filter %/main.c,$(1)) $(foreach s,$(1),$(if $(findstring /cmd_,$(s)),$(s))))
lib_of   = $(patsubst %.c,$(B)/%.o,$(filter-out $(call is_prog,$(call sources_of,$(1))),$(call sources_of,$(1))))
prog_of  = $(patsubst %.c,$(B)/%.o,$(call is_prog,$(call sources_of,$(1))))

# transfer/online is a library of its own: what airgap-ca is linked with lacks it.
folders := base transfer token ca
sources_online   = $(call src_of,transfer/online)
sources_transfer = $(filter-out transfer/online/%,$(call src_of,transfer))
sources_of       = $(or $(sources_$(1)),$(call src_of,$(1)))
lib_all := ca online transfer token base
libs    := $(foreach f,$(lib_all),$(B)/lib$(f).a)
units   := $(patsubst tests/unit/%.c,$(B)/unit/%,$(call src_of,tests/unit))
progs   := $(foreach p,ca token transfer,$(B)/bin/airgap-$(p))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all units subverted test mutate cover cover-run demo check check-faults check-media check-peers deps deps-run deps-build deps-media deps-peers deps-tidy install install-online \
        install-offline tidy tidy-clang tidy-cppcheck tidy-gcc bench bench-programs fuzz fuzz-run clean help

all: $(or $(strip $(progs)),$(libs)) ## build the programs into build/bin (the default)

define compile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(cflags) -MMD -MP -c -o $@ $<
endef
# The day of the newest heading in CHANGES.md, against which init holds the clock. Nobody has to think of it at a
# release, and no two builds of one tree differ by it.
made_on = $(or $(shell sed -n 's/^## [0-9].*\([0-9]\{4\}-[0-9][0-9]-[0-9][0-9]\).$$/\1/p;/^## /q' CHANGES.md),\
              $(error the newest heading of CHANGES.md has no date, as in "## 0.1 (2027-03-01)"))
$(B)/ca/lifecycle/init_clock.o: CHANGES.md
$(B)/ca/lifecycle/init_clock.o: std += -DAIRGAP_MADE='INT64_C($(shell date -u -d '$(made_on)' +%s))'

$(B)/%.o: %.c
	$(compile)

# The profiles that `init` offers are files; this makes C of them.
profiles := $(sort $(wildcard transfer/policy/profiles/*.conf))
made_transfer := $(B)/transfer/policy/shipped.o
$(made_transfer:.o=.c): transfer/policy/profiles/to_c.awk $(profiles)
	$(call say,AWK,$@)
	@mkdir -p $(@D)
	$(Q)awk -f $^ >$@
$(made_transfer): $(made_transfer:.o=.c)
	$(compile)

define library
$(B)/lib$(1).a: $(call lib_of,$(1)) $(made_$(1))
	$(call say,AR,$$@)
	@mkdir -p $$(@D)
	$(Q)rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach f,$(lib_all),$(eval $(call library,$(f))))

$(B)/bin/airgap-ca: $(call prog_of,ca) $(foreach f,ca transfer token base,$(B)/lib$(f).a)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(libs_transfer) $(libs_token) $(libs_base)

$(B)/bin/airgap-token: $(call prog_of,token) $(foreach f,token base,$(B)/lib$(f).a)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(libs_token) $(libs_base)

$(B)/bin/airgap-transfer: $(call prog_of,online) $(foreach f,online transfer base,$(B)/lib$(f).a)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(libs_transfer) $(libs_base)

# What a unit test may make fail (tests/lib/fail.h).
fails := close BN_CTX_get $(shell awk -F', *' '/^FAIL/ { print $$2 }' tests/lib/fail.c)

$(B)/unit/%: $(B)/tests/unit/%.o $(B)/tests/lib/fail.o $(libs)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ldflags) $(addprefix -Wl$(comma)--wrap=,$(fails)) -o $@ $^ -lcmocka $(libs_transfer) $(libs_token) $(libs_base)

# The programs with a reader or judge taken over, or with a bug in the maker of the
# CA's certificates (tests/subverted): for tests, never installed.
wraps := clock_monotonic_ns poll sysconf csr_read csr_from_file cose_read_type bundle_read media_copy sealed_end frame_send reader_run judge_run template_tbs
subverted := $(B)/subverted/airgap-ca $(B)/subverted/airgap-transfer
subverters := $(filter-out %/maker.c,$(wildcard tests/subverted/*.c))

$(B)/subverted/airgap-transfer: $(subverters:%.c=$(B)/%.o) $(call prog_of,online) $(foreach f,online transfer base,$(B)/lib$(f).a)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ldflags) $(addprefix -Wl$(comma)--wrap=,$(filter-out template_tbs,$(wraps))) -o $@ $^ $(libs_transfer) $(libs_base)

$(B)/subverted/airgap-ca: $(patsubst %.c,$(B)/%.o,$(wildcard tests/subverted/*.c)) $(call prog_of,ca) $(foreach f,ca transfer token base,$(B)/lib$(f).a)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ldflags) $(addprefix -Wl$(comma)--wrap=,$(wraps)) -o $@ $^ $(libs_transfer) $(libs_token) $(libs_base)

# A PKCS#11 module that answers as a test wants (tests/lib/fake_token.h).
$(filter $(B)/unit/token/%,$(units)): | $(B)/fake_token.so
$(B)/fake_token.so: tests/lib/fake_token.c tests/lib/fake_token.h
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(std) -O1 -g $(warn) $(werror) $(cflags_pc) -fPIC -shared -o $@ $<

ifdef COVER
$(progs) $(units) $(subverted): | $(B)/tests/lib/cover.o
endif

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# ---- tests ------------------------------------------------------------------------
units: $(units) ## build the unit tests
subverted: $(subverted)

T ?= $(units) $(sort $(wildcard tests/e2e/*.t))
test: all units subverted ## run the tests on what is built (T=tests/e2e/x.t for one)
	@BUILD=$(CURDIR)/$(B) tests/run $(T)

check: ## install what is missing, build anew, pass the core tests
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory clean
	@$(MAKE) --no-print-directory -j$$(nproc) test

check-peers: ## the tests against live servers and cards, installed but never started by themselves
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory deps-peers
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@BUILD=$(CURDIR)/$(B) tests/run $(sort $(wildcard tests/peers/*.t))

check-media: ## sticks that are pulled, lie and err, on FAT in user-mode Linux (needs no root)
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory deps-media
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@BUILD=$(CURDIR)/$(B) tests/run $(sort $(wildcard tests/media/*.t))

# Counts add up from program to program, so each run begins without any. Children are
# counted (tests/lib/cover.c); a program that is killed is not, nor one that leaves by _exit.
cover: ## what the unit tests ran, by room (T=tests/unit/base/test_buf.c; E2E=1 or tests; AIM=1 to fail)
	@$(MAKE) --no-print-directory COVER=1 all units subverted
	@$(MAKE) --no-print-directory COVER=1 cover-run
cover_t = $(patsubst tests/unit/%.c,$(B)/unit/%,$(if $(filter file,$(origin T)),$(units),$(T)))
cover-run:
	@find $(B) -name '*.gcda' -delete
	@BUILD=$(CURDIR)/$(B) tests/run $(cover_t)
	$(if $(E2E),@tests/tools/cover.py --save $(B)/units.json $(B) >/dev/null)
	$(if $(E2E),@BUILD=$(CURDIR)/$(B) tests/run $(if $(filter 1,$(E2E)),$(sort $(wildcard tests/e2e/*.t)),$(E2E)))
	@tests/tools/cover.py $(if $(AIM),--aim) $(if $(E2E),--before $(B)/units.json) $(B)

check-faults: all ## every fault at every system call (half an hour), and docs/faults.md from it
	@BUILD=$(CURDIR)/$(B) JOBS=$(or $(JOBS),$$(nproc)) tests/faults/run

mutate: all ## take each check out in turn: a test must turn red (SAMPLE=20, M=NAME for some)
	@CC='$(CC)' tests/mutate/mutate -j $(or $(JOBS),$$(nproc)) $(if $(SAMPLE),--sample $(SAMPLE)) $(M)

demo: ## the whole loop on a throw-away token, step by step
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory clean
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@BUILD=$(CURDIR)/$(B) tests/tools/demo.sh

# ---- fuzzing, static checks, numbers ------------------------------------------------
FUZZ_SECONDS ?= 10
fuzzers := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))

$(B)/fuzz/%: $(B)/tests/fuzz/%.o $(libs)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ldflags) -fsanitize=fuzzer -o $@ $^ $(libs_transfer) $(libs_token) $(libs_base)

fuzz: ## every reader of outside bytes under libFuzzer (FUZZ_SECONDS=10 each)
	@$(MAKE) --no-print-directory FUZZ=1 CC=clang fuzz-run
fuzz-run: $(fuzzers)
	@for f in $(fuzzers); do tests/fuzz/run "$$f" $(FUZZ_SECONDS) || exit 1; done

# What is linted: ours, and the tests as well.
tidy_c := $(sort $(foreach f,$(folders) tests/unit tests/fuzz,$(call src_of,$(f))))
tidy: tidy-clang tidy-cppcheck tidy-gcc ## clang-tidy, cppcheck and gcc -fanalyzer: silent, or it fails
tidy-clang:
	$(call say,TIDY,clang-tidy)
	$(Q)TIDY_FLAGS="$(tidy_flags)" tests/tools/tidy clang-tidy $(filter-out tests/%,$(tidy_c))
tidy-cppcheck:
	$(call say,TIDY,cppcheck)
	$(Q)tests/tools/tidy cppcheck $(tidy_c)
tidy-gcc:
	$(call say,TIDY,gcc-fanalyzer)
	$(Q)TIDY_FLAGS="$(tidy_flags)" tests/tools/tidy gcc $(filter-out tests/%,$(tidy_c))

bench_c := $(patsubst tests/bench/%.c,$(B)/bench/%,$(sort $(wildcard tests/bench/*.c)))
$(B)/bench/%: $(B)/tests/bench/%.o $(libs)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(libs_transfer) $(libs_token) $(libs_base)

bench: ## what signing costs beside others and the limits (SIZES="100 1000" ...)
	$(call install_deps,$(deps_core) bench: $(deps_bench))
	@$(MAKE) --no-print-directory all bench-programs
	@BUILD=$(CURDIR)/$(B) tests/bench/bench.sh
bench-programs: $(bench_c)

# ---- installing ---------------------------------------------------------------------
bindir := $(DESTDIR)$(PREFIX)/bin
mandir := $(DESTDIR)$(PREFIX)/share/man
docdir := $(DESTDIR)$(PREFIX)/share/doc/airgap-ca
bashdir := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
profiledir := $(DESTDIR)$(PREFIX)/share/airgap-ca/profiles
unitdir := $(DESTDIR)$(PREFIX)/lib/systemd/system
units_rotate := airgap-transfer-rotate airgap-transfer-rotate@ airgap-transfer-rotate-user@
man_of  = $(wildcard $(foreach m,$(1),docs/man/$(m).[0-9]))

# install_some PROGRAMS, MANUALS
define install_some
install -d '$(bindir)' '$(docdir)' '$(bashdir)'
install -m 755 $(foreach p,$(1),$(B)/bin/$(p)) '$(bindir)'
$(foreach p,$(1),$(B)/bin/$(p) --completion >'$(bashdir)/$(p)' && chmod 644 '$(bashdir)/$(p)' &&) true
$(foreach m,$(call man_of,$(2)),install -D -m 644 $(m) '$(mandir)/man$(subst .,,$(suffix $(m)))/$(notdir $(m))' &&) true
install -m 644 README.md SECURITY.md CHANGES.md $(wildcard docs/*.md docs/*.cddl docs/*.conf) '$(docdir)'
endef

install: install-offline install-online ## everything, below DESTDIR and PREFIX (/usr/local)
install-offline: all ## what the laptop needs: airgap-ca, airgap-token
	$(call install_some,airgap-ca airgap-token,airgap-ca airgap-ca-* airgap-ledger airgap-policy airgap-token airgap-token-*)
	install -d '$(profiledir)'
	install -m 644 $(profiles) '$(profiledir)'
install-online: all ## what a server needs: airgap-transfer
	$(call install_some,airgap-transfer,airgap-transfer airgap-transfer-*)
	install -d '$(unitdir)'
	for unit in $(units_rotate); do \
		sed 's:@bindir@:$(PREFIX)/bin:' systemd/$$unit.service.in >'$(unitdir)'/$$unit.service && \
		chmod 644 '$(unitdir)'/$$unit.service && \
		install -m 644 systemd/$$unit.timer '$(unitdir)' || exit 1; \
	done

# ---- dependencies -----------------------------------------------------------------
deps: ## install the missing Debian packages (run, build, test)
	$(call install_deps,$(deps_core))
deps-run: ## only those that the programs need when they run
	$(call install_deps,run: $(deps_run))
deps-build: ## those and what a build needs
	$(call install_deps,run: $(deps_run) build: $(deps_build))
deps-peers: ## the live servers and card tools of `make check-peers`
	$(call install_deps,peers: $(deps_peers))
deps-media: ## user-mode Linux and what `make check-media` does with it
	$(call install_deps,media: $(deps_media))
deps-tidy: ## the checkers of `make tidy` and `make fuzz`
	$(call install_deps,tidy: $(deps_tidy))

clean: ## remove what was built
	$(Q)rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null || \
	 sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 - \2/p' Makefile
