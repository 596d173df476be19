/* SPDX-License-Identifier: Apache-2.0 */
/** What there is, for the sentence that refuses something else. A table says its
 * words itself, so that no sentence forgets the row that was added last. */
#ifndef BASE_CHOICE_H
#define BASE_CHOICE_H

#define CHOICE_TEXT 256 /* bytes of a list, with its end */

/** The i-th word of a table; NULL behind the last. */
typedef const char *choice_word(const void *table, unsigned i);

/** "a, b or c". A list that does not fit ends behind a word, in ", ...".
 * \param tail  stands behind each word, as the colon of "dns:, srv: or ip:" */
void choice_write(choice_word *word, const void *table, const char *tail,
    char ret[static CHOICE_TEXT]);

#endif
