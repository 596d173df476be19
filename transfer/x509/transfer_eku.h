/* SPDX-License-Identifier: Apache-2.0 */
/** id-kp-airgapTransfer: the extended key usage that signs manifests and cards.
 *
 * It is the UUID 0ebd154d-7302-4aea-9985-158d006e4f8a, drawn once, below the arc
 * that Microsoft gives to OIDs made of a GUID: its hex digits in groups of 4, 4,
 * 4, 4, 4, 6 and 6. As 2.25.N (X.667) the same UUID would be one arc of 128 bits,
 * and GnuTLS and Go's crypto/x509 read none over 31 bits.
 *
 * No CSR is given it and no profile may have it.
 */
#ifndef TRANSFER_X509_TRANSFER_EKU_H
#define TRANSFER_X509_TRANSFER_EKU_H

#define EKU_TRANSFER \
	"1.2.840.113556.1.8000.2554.3773.5453.29442.19178.39301.1412352.7229322"

/** The content of its OBJECT IDENTIFIER: EKU_TRANSFER_LEN bytes, an initializer. */
#define EKU_TRANSFER_LEN 31
#define EKU_TRANSFER_BYTES \
	0x2a, 0x86, 0x48, 0x86, 0xf7, 0x14, 0x01, 0xbe, 0x40, 0x93, 0x7a, \
	    0x9d, 0x3d, 0xaa, 0x4d, 0x81, 0xe6, 0x02, 0x81, 0x95, 0x6a, 0x82, \
	    0xb3, 0x05, 0xd6, 0x9a, 0x00, 0x83, 0xb9, 0x9f, 0x0a
#define EKU_TRANSFER_OID \
	{ \
		EKU_TRANSFER_BYTES \
	}

#endif
