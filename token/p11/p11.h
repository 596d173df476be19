/* SPDX-License-Identifier: Apache-2.0 */
/** The PKCS#11 types with the names of the standard, and the few values that
 * p11-kit's header of Debian 12 lacks. */
#ifndef TOKEN_P11_P11_H
#define TOKEN_P11_P11_H

#ifndef CRYPTOKI_COMPAT
#define CRYPTOKI_COMPAT 1
#endif
#include <p11-kit/pkcs11.h>

#ifndef CKA_PUBLIC_KEY_INFO
#define CKA_PUBLIC_KEY_INFO 0x129UL /* PKCS#11 2.40, 4.8: DER SPKI */
#endif

#define P11_NO_HANDLE 0UL /* CK_INVALID_HANDLE */

#endif
