# SPDX-License-Identifier: Apache-2.0
"""Every act, in the order of docs/faults.md."""
import acts
import acts_life

ACTS = acts.FIRST + acts_life.LATER
