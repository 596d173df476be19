/* SPDX-License-Identifier: Apache-2.0 */
/** Text files as people bring them, in bytes that a reader of ASCII takes. */
#ifndef TRANSFER_X509_TEXT_PLAIN_H
#define TRANSFER_X509_TEXT_PLAIN_H

#include "base/buf.h"

/** The same file without a byte order mark. What is UTF-16, as Windows redirects
 * and saves it, comes into `room`, which is emptied, with '?' for whatever is not
 * ASCII. Anything else is `file` itself. */
enum rc text_plain(struct span file, struct buf *room, struct span *ret)
    MUST_CHECK;

#endif
