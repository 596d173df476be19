# SPDX-License-Identifier: Apache-2.0
# Rows "key past n what wall cpu kib per" of tests/bench/bench.sh into tables of medians.
function median(list, count,   v, i, j, t) {
	split(list, v, " ")
	for (i = 2; i <= count; i++)
		for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) {
			t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
		}
	return count % 2 ? v[(count + 1) / 2] : (v[count / 2] + v[count / 2 + 1]) / 2
}
function us(seconds) { return seconds < 9999e-6 ? sprintf("%.0f", seconds * 1e6) : sprintf("%.1f ms", seconds * 1e3) }
function some(value, text) { return value > 0 ? text : "" }
function ratio(a, b) { return b > 0 ? sprintf("%.2f", a / b) : "" }
function line(title, case_, what, base,   k, b) {
	k = case_ SUBSEP what
	if (!(k in n))
		return
	b = base == "" ? k : case_ SUBSEP base
	printf("| %s | %s | %s | %s | %s | %s |\n", title, us(w[k]), some(cpu[k], us(cpu[k])),
	    some(kib[k], sprintf("%.0f", kib[k] / 1024)), ratio(w[k], w[b]), some(cpu[k], ratio(cpu[k], cpu[b])))
}
function table(key, size,   c, i, p) {
	printf "\n### %s, %d requests\n\n", key, size
	print "| | wall, us each | CPU, us each | largest process, MiB | wall / limit | CPU / limit |"
	print "| --- | ---: | ---: | ---: | ---: | ---: |"
	for (i = 1; i <= pasts; i++) {
		p = past[i]
		c = key SUBSEP p SUBSEP size
		line("`airgap-ca sign`, " p " in the ledger", c, "sign", "limit-sign")
	}
	c = key SUBSEP past[1] SUBSEP size
	line("limit: verify the CSR, C_Sign, one thread", c, "limit-sign", "limit-sign")
	line("`openssl ca`, one batch, engine pkcs11", c, "openssl", "limit-sign")
	line("`certtool`, a process each, the token's key", c, "certtool", "limit-sign")
	line("the token alone, C_Sign", c, "token", "limit-sign")
	line("`airgap-transfer install`", c, "install", "limit-install")
	line("limit: verify each, one thread", c, "limit-install", "limit-install")
	line("`airgap-transfer request`", c, "request", "limit-install")
}
# One CRL for each key, whatever else was measured.
function crl_table(key,   i, j, c) {
	for (i = 1; i <= pasts; i++)
		for (j = 1; j <= n_sizes; j++) {
			c = key SUBSEP past[i] SUBSEP sizes[j]
			if (!((c SUBSEP "crl") in n))
				continue
			printf "\n### %s, a ledger of many revocations (REVOKED)\n\n", key
			print "| | wall | CPU | largest process, MiB | wall / openssl | CPU / openssl |"
			print "| --- | ---: | ---: | ---: | ---: | ---: |"
			line("`airgap-ca crl`: all in one CRL, signed, judged, on the stick, read back", c, "crl", "openssl-crl")
			line("`openssl ca -gencrl`, engine pkcs11: signed", c, "openssl-crl", "openssl-crl")
			line("`airgap-transfer install` of the CRL", c, "crl-install", "openssl-crl")
			print "\n| | wall, us each | CPU, us each | largest process, MiB | wall / unrevoked | CPU / unrevoked |"
			print "| --- | ---: | ---: | ---: | ---: | ---: |"
			line("`airgap-ca sign`, the same number of certificates, none revoked", c, "sign-unrevoked", "sign-unrevoked")
			line("`airgap-ca sign`, all of them revoked", c, "sign-revoked", "sign-unrevoked")
		}
}
{
	k = $1 SUBSEP $2 SUBSEP $3 SUBSEP $4
	n[k]++
	wl[k] = wl[k] " " $5 / $8
	cl[k] = cl[k] " " $6 / $8
	kl[k] = kl[k] " " $7
	if (!($1 in seen_key)) { seen_key[$1]; keys[++n_keys] = $1 }
	if (!($2 in seen_past)) { seen_past[$2]; past[++pasts] = $2 }
	if (!($3 in seen_size)) { seen_size[$3]; sizes[++n_sizes] = $3 }
}
END {
	for (k in n) {
		w[k] = median(wl[k], n[k])
		cpu[k] = median(cl[k], n[k])
		kib[k] = median(kl[k], n[k])
	}
	for (i = 1; i <= n_keys; i++)
		for (j = 1; j <= n_sizes; j++)
			table(keys[i], sizes[j])
	for (i = 1; i <= n_keys; i++)
		crl_table(keys[i])
}
