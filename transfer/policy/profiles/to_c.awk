# SPDX-License-Identifier: Apache-2.0
# The profiles of this folder as a C file: what transfer/policy/shipped.h declares.
# Run by make, over all of them in one go.

function refuse(what) {
	print FILENAME ":" FNR ": " what >"/dev/stderr"
	bad = 1
	exit 1
}

BEGIN {
	print "/* Made from transfer/policy/profiles by make. */"
	print "#include \"transfer/policy/shipped.h\"\n"
	print "const struct shipped_profile shipped_profiles[] = {"
}

FNR == 1 {
	name = FILENAME
	sub(/.*\//, "", name)
	sub(/\.conf$/, "", name)
	if ($0 != "[profile " name "]")
		refuse("wanted [profile " name "], as the file is called")
	print (NR == 1 ? "" : "\t},\n") "\t{ \"" name "\","
}

# policy.conf has neither, so that nothing needs to be escaped here.
/["\\]/ { refuse("a quote or a backslash") }

{ print "\t    \"" $0 "\\n\"" }

END {
	if (!bad)
		print "\t},\n\t{ 0, 0 },\n};"
}
