#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 10-pull.t with the mount option that desktops give.
OPTIONS=flush
. "$(dirname "$0")/10-pull.t"
