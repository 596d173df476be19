/* SPDX-License-Identifier: Apache-2.0 */
/** What --help and --completion print, made from the command tables. Inside base/cmd only. */
#ifndef BASE_CMD_USAGE_H
#define BASE_CMD_USAGE_H

#include "base/cmd.h"

#include <stdio.h>

/** All commands, a line each, and the options that they share. */
void cmd_usage_program(const struct cmd_program *program, FILE *to);

/** The running command: its synopsis, and its options one by one. */
void cmd_usage_command(
    const struct cmd_env *env, const struct cmd_option *options);

/** --completion: a script for bash that knows every command, option and word. */
enum rc cmd_complete_program(struct cmd_env *env) MUST_CHECK;

/** The running command's part of that script. */
void cmd_complete_command(
    const struct cmd_env *env, const struct cmd_option *options);

#endif
