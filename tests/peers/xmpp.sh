# SPDX-License-Identifier: Apache-2.0
# The library of the tests against live XMPP servers: a network of its own with a
# resolver, certificates from the whole loop, hostile ones from openssl, and the
# servers as Debian ships them. A test begins with
#
#	. "$(dirname "$0")/xmpp.sh"
#
# The addresses and the ports of XMPP are free there (namespace.sh, which this
# includes), and /etc/resolv.conf names our own resolver.
#
#	resolver NAME=ADDRESS... DOMAIN:HOST...
#				unbound: addresses, and the SRV records of XMPP for
#				DOMAIN, to HOST; +RECORD as it is
#	xmpp_ca @NAME SCOPE...	a CA with the xmpp profiles, an online side enrolled;
#				its certificate is $WORK/NAME-ca.pem
#	obtain @NAME FILE REQUEST-OPTION...
#				request, sign, install, deploy: $WORK/FILE.pem is the
#				pemfile, FILE.crt the fullchain, FILE.key its key
#	hostile FILE SAN [OPTION]	what our CA would not issue, under $WORK/hostile-ca.pem;
#				OPTION is expired, or other: under a CA nobody trusts
#	prosody_host NAME DOMAIN FILE	a virtual host and its certificate, for
#	prosody_start NAME ADDRESS <<CONF	with further configuration of all hosts, and
#				then, from VirtualHost on, of single ones
#	ejabberd_start ADDRESS <<CONF
#	jabberd2_start ADDRESS DOMAIN <<XML	its <id>
#	servers_stop
#	client VERB WHO...	xmpp_client.py

. "$(dirname "${BASH_SOURCE[0]}")/namespace.sh"

# ---- the network --------------------------------------------------------------------

resolver() {
	local one domain host service port
	needs unbound unbound
	{
		printf '%s\n' server: "interface: 127.0.0.53" "do-daemonize: no" 'chroot: ""' \
			'username: ""' 'pidfile: ""' "directory: $WORK" "use-syslog: no" \
			"do-not-query-localhost: no" "module-config: iterator" \
			'local-zone: . static'
		for one; do
			case $one in
			+*) echo "local-data: '${one#+}'" ;;
			*=*) echo "local-data: '${one%=*}. A ${one#*=}'" ;;
			*:*)
				domain=${one%:*} host=${one#*:}
				for service in client:5222 server:5269; do
					port=${service#*:}
					echo "local-data: '_xmpp-${service%:*}._tcp.$domain. SRV 0 0 $port $host.'"
				done
				;;
			esac
		done
	} >"$WORK/unbound.conf"
	mkdir "$WORK/unbound"
	unbound -d -c "$WORK/unbound.conf" >"$WORK/unbound/log" 2>&1 &
	echo "nameserver 127.0.0.53" >"$WORK/resolv.conf"
	must mount --bind "$WORK/resolv.conf" "$(readlink -f /etc/resolv.conf)"
	until_true 'the resolver listens' listens 127.0.0.53 53
}

# ---- certificates -------------------------------------------------------------------

declare -A STICK_OF
xmpp_ca() {
	local name=${1#@} scope scopes=()
	shift
	for scope; do scopes+=(--scope "$scope"); done
	STICK=$(stick "$name")
	STICK_OF[$name]=$STICK
	make_ca "@$name" --profiles xmpp "${scopes[@]}"
	enrol_online "@$name"
	must cp "$(home_of "$name")/ca.pem" "$WORK/$name-ca.pem"
}

obtain() {
	local name=$1 file=$2 what=
	shift 2
	[[ $* =~ --(domain|jid)\ ([^ ]+) ]] && what=${BASH_REMATCH[2]}
	must transfer "$name" request "$@" --out "${STICK_OF[${name#@}]}"
	must ca "$name" sign "${STICK_OF[${name#@}]}" --yes --expect "$REQUESTER_HEX"
	must transfer "$name" install "${STICK_OF[${name#@}]}"
	must transfer "$name" deploy "$what" --format pemfile --to "$WORK/$file.pem"
	must transfer "$name" deploy "$what" --format fullchain --to "$WORK/$file.crt" \
		--key "$WORK/$file.key"
}

hostile_ca() {
	must openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$WORK/$1.key" -out "$WORK/$1.pem" -subj "/CN=$1" -days 30 \
		-addext keyUsage=critical,keyCertSign
}

hostile() {
	local ca=hostile-ca when=()
	case ${3:-} in
	expired) when=(faketime '2026-01-01 00:00:00') ;;
	other) ca=other-ca ;;
	esac
	[ -e "$WORK/$ca.pem" ] || hostile_ca "$ca"
	printf '%s\n' basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature \
		extendedKeyUsage=serverAuth,clientAuth "subjectAltName=$2" \
		subjectKeyIdentifier=hash authorityKeyIdentifier=keyid >"$WORK/hostile.ext"
	must csr_openssl "$1" ec-p256 "/O=hostile"
	must "${when[@]}" openssl x509 -req -in "$WORK/$1.csr" -CA "$WORK/$ca.pem" \
		-CAkey "$WORK/$ca.key" -days 10 -extfile "$WORK/hostile.ext" -out "$WORK/$1.crt"
	cat "$WORK/$ca.pem" >>"$WORK/$1.crt"
	cat "$WORK/$1".{key,crt} >"$WORK/$1.pem"
}
srv() { echo "otherName:1.3.6.1.5.5.7.8.7;IA5:$1"; }

PIDS=() # of prosody and ejabberd, in the order of their starts

# ---- the servers --------------------------------------------------------------------

client() { timeout -k 5 "$LIMIT" "$PYTHON" "$PEERS/xmpp_client.py" "$@"; }

# Two accounts, whose password is "secret".
prosody_accounts() {
	local accounts user
	accounts=$WORK/prosody-$1/data/$(sed 's/\./%2e/g; s/-/%2d/g' <<<"$2")/accounts
	mkdir -p "$accounts"
	for user in alice bob; do
		echo 'return { ["password"] = "secret" }' >"$accounts/$user.dat"
	done
}

# Prosody finds certificates by their names.
prosody_host() {
	local dir=$WORK/prosody-$1
	prosody_accounts "$1" "$2"
	mkdir -p "$dir/certs"
	cp "$WORK/$3.key" "$dir/certs/$2.key"
	cp "$WORK/$3.crt" "$dir/certs/$2.crt"
	echo "VirtualHost \"$2\"" >>"$dir/hosts"
}

prosody_start() {
	local name=$1 address=$2 dir=$WORK/prosody-$1
	needs prosody prosody
	cat >"$dir/conf.lua" <<-LUA
		run_as_root = true
		daemonize = false
		pidfile = "$dir/pid"
		data_path = "$dir/data"
		log = { { levels = { min = "debug" }, to = "file", filename = "$dir/log" } }
		interfaces = { "$address" }
		local_interfaces = { "127.0.0.1" }
		modules_enabled = { "roster", "saslauth", "tls", "disco", "ping" }
		authentication = "internal_plain"
		s2s_direct_tls_ports = {}
		http_ports = {}
		https_ports = {}
	LUA
	cat >"$dir/more"
	grep -q '^certificates' "$dir/more" || cat >>"$dir/conf.lua" <<-LUA
		c2s_require_encryption = true
		c2s_direct_tls_ports = { 5223 }
		s2s_require_encryption = true
		s2s_secure_auth = true
		certificates = "$dir/certs"
	LUA
	sed '/^VirtualHost/,$d' "$dir/more" >>"$dir/conf.lua"
	[ ! -e "$dir/hosts" ] || cat "$dir/hosts" >>"$dir/conf.lua"
	sed -n '/^VirtualHost/,$p' "$dir/more" >>"$dir/conf.lua"
	prosody --config "$dir/conf.lua" >"$dir/out" 2>&1 </dev/null &
	PIDS+=($!)
	for port in 5222 5223 5269; do
		until_true "prosody $name listens at $address:$port" listens "$address" "$port"
	done
}

ejabberd_start() {
	local address=$1 dir=$WORK/ejabberd
	needs ejabberdctl ejabberd
	mkdir -p "$dir/db"
	cat >"$dir/ejabberd.yml" <<-YAML
		loglevel: debug
		auth_method: [anonymous]
		anonymous_protocol: login_anon
		disable_sasl_mechanisms: [X-OAUTH2]
		modules:
		  mod_roster: {}
		  mod_disco: {}
		  mod_ping: {}
	YAML
	cat >>"$dir/ejabberd.yml"
	env HOME="$dir" ERL_LIBS="$(multiarch 'ejabberd-*')" EJABBERD_CONFIG_PATH="$dir/ejabberd.yml" \
		EJABBERD_LOG_PATH="$dir/log" EJABBERD_PID_PATH="$dir/pid" ERL_CRASH_DUMP="$dir/crash" \
		erl +S 2 -noinput -mnesia dir "\"$dir/db\"" -s ejabberd >"$dir/out" 2>&1 </dev/null &
	PIDS+=($!)
	for port in 5222 5223 5269; do
		until_true "ejabberd listens at $address:$port" listens "$address" "$port"
	done
}

jabberd2_start() {
	local address=$1 domain=$2 dir=$WORK/jabberd2 id pemfile lib
	local router="<router><ip>$1</ip><port>5347</port><user>jabberd</user><pass>secret</pass>
		<retry><init>30</init><lost>3</lost><sleep>1</sleep></retry></router>"
	needs jabberd2-c2s jabberd2
	needs sqlite3 sqlite3
	lib=$(multiarch jabberd2)/jabberd2
	id=$(cat)
	pemfile=$(sed -n "s/.*[[:space:]]pemfile='\([^']*\)'.*/\1/p" <<<"$id")
	mkdir -p "$dir/fs"
	must sqlite3 "$dir/users.db" "CREATE TABLE authreg (username TEXT, realm TEXT, password TEXT);
		INSERT INTO authreg VALUES ('alice', '$domain', 'secret'), ('bob', '$domain', 'secret')"
	echo '<users><user><name>jabberd</name><secret>secret</secret></user></users>' >"$dir/users.xml"
	cat >"$dir/router.xml" <<-XML
		<router><id>router</id><pidfile>$dir/router.pid</pidfile>
		<log type='file'><file>$dir/router.log</file></log>
		<local><ip>$address</ip><port>5347</port><users>$dir/users.xml</users><secret>secret</secret></local>
		<io><max_fds>64</max_fds></io><aliases/>
		<aci><acl type='all'><user>jabberd</user></acl></aci></router>
	XML
	cat >"$dir/sm.xml" <<-XML
		<sm><id>sm</id><pidfile>$dir/sm.pid</pidfile>$router
		<log type='file'><file>$dir/sm.log</file></log>
		<local><id>$domain</id></local>
		<storage><path>$lib</path><driver>fs</driver><fs><path>$dir/fs</path></fs></storage>
		<aci/>
		<modules><path>$lib</path>
		<chain id='in-sess'><module>roster</module><module>presence</module><module>deliver</module></chain>
		<chain id='in-router'><module>session</module><module>presence</module></chain>
		<chain id='pkt-user'><module>presence</module><module>deliver</module></chain>
		<chain id='pkt-router'><module>session</module></chain>
		<chain id='user-load'><module>active</module><module>roster</module></chain>
		<chain id='user-create'><module>active</module></chain>
		</modules>
		<user><auto-create/></user></sm>
	XML
	cat >"$dir/c2s.xml" <<-XML
		<c2s><id>c2s</id><pidfile>$dir/c2s.pid</pidfile>$router
		<log type='file'><file>$dir/c2s.log</file></log>
		<local>
		$id
		<ip>$address</ip><port>5222</port><ssl-port>5223</ssl-port><pemfile>$pemfile</pemfile></local>
		<io><max_fds>64</max_fds></io><stats/>
		<authreg><path>$lib</path><module>sqlite</module>
		<mechanisms><traditional/><sasl/></mechanisms>
		<ssl-mechanisms><traditional/><sasl><plain/></sasl></ssl-mechanisms>
		<sqlite><dbname>$dir/users.db</dbname><busy-timeout>2000</busy-timeout>
		<password_type><plaintext/></password_type></sqlite>
		</authreg></c2s>
	XML
	jabberd2_part router 'listening for incoming connections'
	jabberd2_part sm 'ready for sessions'
	jabberd2_part c2s 'ready for connections'
}

# Starts one part, in place of the one that runs.
jabberd2_part() {
	local dir=$WORK/jabberd2 pid=${JABBERD2[$1]:-}
	if [ -n "$pid" ]; then
		kill "$pid"
		wait "$pid"
	fi
	: >"$dir/$1.log"
	"jabberd2-$1" -c "$dir/$1.xml" >"$dir/out" 2>&1 </dev/null &
	JABBERD2[$1]=$!
	until_true "$1 of jabberd2 is ready" grep -q "$2" "$dir/$1.log"
}
declare -A JABBERD2

servers_stop() {
	kill "${PIDS[@]}" "${JABBERD2[@]}" 2>/dev/null
	wait "${PIDS[@]}" "${JABBERD2[@]}" 2>/dev/null
	PIDS=()
	JABBERD2=()
}
