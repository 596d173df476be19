// SPDX-License-Identifier: Apache-2.0

// verify ROOTS CHAIN NAME [UNIX]: does Go's crypto/x509 believe the first certificate of
// CHAIN for the name, with the others of that file as a server sends them, and under any
// of ROOTS; at that second, or now? Exit 0 for yes, 1 for no with Go's own sentence, 2 for
// files that are no certificates.
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"strconv"
	"time"
)

func all(path string) (certs []*x509.Certificate) {
	text, err := os.ReadFile(path)
	for err == nil {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		var cert *x509.Certificate
		if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
			certs = append(certs, cert)
		}
	}
	if err != nil || len(certs) == 0 {
		fmt.Fprintln(os.Stderr, path, "holds no certificate:", err)
		os.Exit(2)
	}
	return certs
}

func main() {
	roots, sent := x509.NewCertPool(), x509.NewCertPool()
	for _, cert := range all(os.Args[1]) {
		roots.AddCert(cert)
	}
	chain := all(os.Args[2])
	for _, cert := range chain[1:] {
		sent.AddCert(cert)
	}
	options := x509.VerifyOptions{Roots: roots, Intermediates: sent, DNSName: os.Args[3]}
	if len(os.Args) > 4 {
		at, _ := strconv.ParseInt(os.Args[4], 10, 64)
		options.CurrentTime = time.Unix(at, 0)
	}
	if _, err := chain[0].Verify(options); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
