// SPDX-License-Identifier: Apache-2.0

// verify CA LEAF NAME: does Go's crypto/x509 believe the certificate for the name?
// Exit 0 for yes, 1 for no with Go's own sentence, 2 for files that are no certificates.
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

func first(path string) *x509.Certificate {
	text, err := os.ReadFile(path)
	if err == nil {
		if block, _ := pem.Decode(text); block != nil {
			var cert *x509.Certificate
			if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
				return cert
			}
		}
	}
	fmt.Fprintln(os.Stderr, path, "holds no certificate:", err)
	os.Exit(2)
	return nil
}

func main() {
	roots := x509.NewCertPool()
	roots.AddCert(first(os.Args[1]))
	_, err := first(os.Args[2]).Verify(x509.VerifyOptions{Roots: roots, DNSName: os.Args[3]})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
