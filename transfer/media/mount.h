/* SPDX-License-Identifier: Apache-2.0 */
/** Which mount a medium is seen through.
 *
 * Directories and tables of a file system are read from memory for as long as
 * it is mounted: what the stick itself has is only seen after it was pulled. So
 * whoever wrote to a medium remembers the mount, and who looks asks whether it
 * is another.
 */
#ifndef TRANSFER_MEDIA_MOUNT_H
#define TRANSFER_MEDIA_MOUNT_H

#include "transfer/media/media.h"

#define MOUNT_TEXT 128 /* bytes, with the NUL */

/** One word, the same as long as this is mounted and never again: boot and
 * number of the mount. A kernel before 6.8 gives numbers out again; there the
 * number of times that disks were plugged in tells. Where that is not known
 * either (Btrfs), a mount may pass for an earlier one of the same boot, never
 * the other way about. \retval RC_IO the kernel does not say */
enum rc mount_text(
    const struct media *media, char ret[static MOUNT_TEXT]) MUST_CHECK;

/** Append the command that unmounts it, quoted for a shell: umount for root,
 * else udisks' where there is a disk. Nothing when it is mounted together with
 * `beside` (a directory's descriptor), for then it is no stick. */
enum rc mount_unmount(
    const struct media *media, int beside, struct buf *ret) MUST_CHECK;

#endif
