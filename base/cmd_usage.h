/* SPDX-License-Identifier: Apache-2.0 */
/** What --help prints, made from the command tables. Inside base/cmd only. */
#ifndef BASE_CMD_USAGE_H
#define BASE_CMD_USAGE_H

#include "base/cmd.h"

#include <stdio.h>

/** All commands, a line each, and the options that they share. */
void cmd_usage_program(const struct cmd_program *program, FILE *to);

/** The running command: its synopsis, and its options one by one. */
void cmd_usage_command(
    const struct cmd_env *env, const struct cmd_option *options);

#endif
