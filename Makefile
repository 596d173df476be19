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
B       := build$(if $(DEBUG),/debug)

# ---- packages ---------------------------------------------------------------------
# "a|b" names the same thing on bookworm and on trixie.
deps_run   := libssl3|libssl3t64 libp11-3|libp11-3t64 libp11-kit0 libcbor0.8|libcbor0.10 libsqlite3-0 libseccomp2 \
              libidn2-0 libunistring2|libunistring5 libjansson4 libqrencode4 opensc opensc-pkcs11
deps_build := gcc libc6-dev make pkg-config libssl-dev libp11-dev libp11-kit-dev libcbor-dev libsqlite3-dev \
              libseccomp-dev libidn2-dev libunistring-dev libjansson-dev libqrencode-dev
deps_test  := perl libcmocka-dev softhsm2 openssl gnutls-bin python3 python3-cbor2 python3-cryptography \
              strace faketime expect sqlite3 iproute2 util-linux mount procps mandoc binutils
deps_tidy  := clang clang-tidy clang-format cppcheck
deps_all   := $(deps_run) $(deps_build) $(deps_test)

# ---- flags ------------------------------------------------------------------------
pkgs    := openssl libcbor sqlite3 libseccomp libidn2 jansson libqrencode p11-kit-1 libp11
pc      := $(pkgs)
probing := $(if $(filter-out help deps deps-% clean demo check check-peers,$(or $(MAKECMDGOALS),all)),yes)

ifdef probing
ifeq ($(shell $(CC) -xc -c -o /dev/null /dev/null 2>&1 && echo ok),)
$(error no working C compiler "$(CC)": run `make deps`)
endif
ifneq ($(shell pkg-config --exists $(pc) && echo ok),ok)
$(error a library is missing: $(shell pkg-config --print-errors --exists $(pc) 2>&1 | head -1): run `make deps`)
endif
may  = $(foreach f,$(1),$(shell $(CC) -Werror $(f) -xc -c -o /dev/null /dev/null 2>/dev/null && echo $(f)))
must = $(foreach f,$(1),$(or $(call may,$(f)),$(error $(CC) does not take $(f))))

cflags_pc := $(shell pkg-config --cflags $(pc) | sed 's/-I/-isystem /g')
libs_base     := $(shell pkg-config --libs openssl sqlite3 jansson)
libs_transfer := $(shell pkg-config --libs libcbor libseccomp libidn2 libqrencode) -lunistring
libs_token    := $(shell pkg-config --libs libp11 p11-kit-1) -ldl

warn := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wwrite-strings -Wformat=2 \
        -Wundef -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough \
        $(call may,-Wlogical-op -Wduplicated-cond)
hard := $(call must,-fstack-protector-strong -fPIE -fno-common -ftrivial-auto-var-init=zero) \
        $(call may,-fstack-clash-protection -fcf-protection -fzero-call-used-regs=used-gpr -fstrict-flex-arrays=3)
san  := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif

CFLAGS  ?= -O2 -g
std     := -std=c17 -D_GNU_SOURCE -I. -DAIRGAP_VERSION='"$(or $(VERSION),0)"'
werror  := $(if $(CI),-Werror)
cflags   = $(std) $(CFLAGS) $(warn) $(werror) $(hard) $(if $(DEBUG),$(san) -O1,-D_FORTIFY_SOURCE=2) $(cflags_pc)
ldflags  = -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,defs,--as-needed $(if $(DEBUG),$(san)) $(LDFLAGS)

# ---- sources ----------------------------------------------------------------------
src_of   = $(sort $(wildcard $(1)/*.c))
is_prog  = $(filter %/main.c,$(1)) $(foreach s,$(1),$(if $(findstring /cmd_,$(s)),$(s)))
lib_of   = $(patsubst %.c,$(B)/%.o,$(filter-out $(call is_prog,$(call src_of,$(1))),$(call src_of,$(1))))
prog_of  = $(patsubst %.c,$(B)/%.o,$(call is_prog,$(call src_of,$(1))))

folders := base transfer token ca
libs    := $(foreach f,$(folders),$(B)/lib$(f).a)
units   := $(patsubst tests/unit/%.c,$(B)/unit/%,$(sort $(wildcard tests/unit/test_*.c)))
progs   := $(foreach p,ca token transfer,$(if $(wildcard $(p)/main.c),$(B)/bin/airgap-$(p)))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all units test demo check check-peers deps install install-online install-offline tidy bench fuzz clean help

all: $(or $(strip $(progs)),$(libs)) ## build the programs into build/bin (the default)

$(B)/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(cflags) -MMD -MP -c -o $@ $<

define library
$(B)/lib$(1).a: $(call lib_of,$(1))
	$(call say,AR,$$@)
	@mkdir -p $$(@D)
	$(Q)rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach f,$(folders),$(eval $(call library,$(f))))

$(B)/bin/airgap-ca: $(call prog_of,ca) $(foreach f,ca transfer token base,$(B)/lib$(f).a)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(libs_transfer) $(libs_token) $(libs_base)

$(B)/bin/airgap-token: $(call prog_of,token) $(foreach f,token base,$(B)/lib$(f).a)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(libs_token) $(libs_base)

$(B)/bin/airgap-transfer: $(call prog_of,transfer) $(foreach f,transfer base,$(B)/lib$(f).a)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(libs_transfer) $(libs_base)

$(B)/unit/%: $(B)/tests/unit/%.o $(foreach f,ca transfer token base,$(B)/lib$(f).a)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ldflags) -o $@ $^ -lcmocka $(libs_transfer) $(libs_token) $(libs_base)

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# ---- tests ------------------------------------------------------------------------
units: $(units) ## build the unit tests

T ?= $(units) $(sort $(wildcard tests/e2e/*.t))
test: all units ## run the tests on what is built (T=tests/e2e/x.t for one)
	@BUILD=$(CURDIR)/$(B) tests/run $(T)

check: ## install what is missing, build anew, pass the core tests
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory clean
	@$(MAKE) --no-print-directory -j$$(nproc) test

check-peers: ## the tests against live servers and every PKCS#11 module
	@$(MAKE) --no-print-directory check

demo: ## the whole loop on a throw-away token, step by step
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory clean
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@BUILD=$(CURDIR)/$(B) tests/demo.sh

# ---- dependencies -----------------------------------------------------------------
deps: ## install the missing Debian packages (run, build, test)
	@tests/deps $(foreach d,$(deps_all),'$(d)')
deps-run: ## only those that the programs need when they run
	@tests/deps $(foreach d,$(deps_run),'$(d)')
deps-build: ## only those that a build needs
	@tests/deps $(foreach d,$(deps_run) $(deps_build),'$(d)')
deps-tidy: ## the static checkers of `make tidy`
	@tests/deps $(foreach d,$(deps_tidy),'$(d)')

clean: ## remove what was built
	$(Q)rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null || \
	 sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 - \2/p' Makefile
