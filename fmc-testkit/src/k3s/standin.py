#!/usr/bin/python3
"""A stand-in for K3s, for tests: it reads its configuration and refuses it as K3s does, reports it, and answers like a server.

`k3s server|agent [--key=value …]`. It runs neither containers nor etcd. `K3S_STANDIN_ROOT` is a folder that stands for `/`; with it, the
stand-in does not look at the machine. `K3S_STANDIN_REPORT` is the file of the report, one line of JSON for each start; the default is
`/opt/k3s-report.jsonl`.

Taken from K3s: the order of configuration (docs.k3s.io, Installation/Configuration): the command line, the environment, the file and its
drop-ins in the order of their names, the last of which wins, and a key with `+` appends; an unknown key is skipped with a line in the log;
the refusals of a server's and an agent's arguments; tokens and their hash of the authority (docs.k3s.io, CLI tools/token).
"""

import base64
import datetime
import glob
import hashlib
import http.client
import http.server
import ipaddress
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
import urllib.parse

import yaml

ROOT = os.environ.get("K3S_STANDIN_ROOT", "")
REPORT = os.environ.get("K3S_STANDIN_REPORT", ROOT + "/opt/k3s-report.jsonl")
CONFIG = "/etc/rancher/k3s/config.yaml"

# The flags of v1.36.3 from `k3s server --help` and `k3s agent --help`. A server has all flags of an agent.
AGENT = """
    airgap-extra-registry alsologtostderr bind-address config container-runtime-endpoint data-dir debug default-runtime
    disable-apiserver-lb disable-default-registry-endpoint docker enable-pprof flannel-cni-conf flannel-conf flannel-iface
    image-credential-provider-bin-dir image-credential-provider-config image-service-endpoint kube-proxy-arg kubelet-arg
    lb-server-port log node-external-dns node-external-ip node-internal-dns node-ip node-label node-name node-taint nonroot-devices
    pause-image prefer-bundled-bin private-registry protect-kernel-defaults resolv-conf rootless selinux server snapshotter token
    token-file v vmodule vpn-auth vpn-auth-file with-node-id
""".split()
SERVER = """
    advertise-address advertise-port agent-token agent-token-file apiserver-bind-address apiserver-port cluster-cidr cluster-dns
    cluster-domain cluster-init cluster-reset cluster-reset-restore-path datastore-cafile datastore-certfile datastore-endpoint
    datastore-keyfile default-local-storage-path disable disable-agent disable-apiserver disable-cloud-controller
    disable-controller-manager disable-etcd disable-helm-controller disable-kube-proxy disable-network-policy disable-scheduler
    egress-selector-mode embedded-registry etcd-arg etcd-disable-snapshots etcd-expose-metrics etcd-s3 etcd-s3-access-key
    etcd-s3-bucket etcd-s3-bucket-lookup-type etcd-s3-config-secret etcd-s3-endpoint etcd-s3-endpoint-ca etcd-s3-folder
    etcd-s3-insecure etcd-s3-proxy etcd-s3-region etcd-s3-retention etcd-s3-secret-key etcd-s3-session-token etcd-s3-skip-ssl-verify
    etcd-s3-timeout etcd-snapshot-compress etcd-snapshot-dir etcd-snapshot-name etcd-snapshot-reconcile-interval
    etcd-snapshot-retention etcd-snapshot-schedule-cron flannel-backend flannel-external-ip flannel-ipv6-masq helm-controller-arg
    helm-job-image https-listen-port kine-tls kube-apiserver-arg kube-cloud-controller-arg kube-cloud-controller-manager-arg
    kube-controller-arg kube-controller-manager-arg kube-scheduler-arg secrets-encryption secrets-encryption-provider service-cidr
    service-node-port-range servicelb-namespace supervisor-metrics supervisor-port system-default-registry tls-san tls-san-security
    write-kubeconfig write-kubeconfig-group write-kubeconfig-mode write-kubeconfig-name
""".split()
# Types of these flags; all others are texts.
LISTS = """
    airgap-extra-registry cluster-cidr cluster-dns disable etcd-arg helm-controller-arg kube-apiserver-arg kube-cloud-controller-arg
    kube-cloud-controller-manager-arg kube-controller-arg kube-controller-manager-arg kube-proxy-arg kube-scheduler-arg kubelet-arg
    node-external-dns node-external-ip node-internal-dns node-ip node-label node-taint service-cidr tls-san
""".split()
FLAGS = """
    alsologtostderr cluster-init cluster-reset debug disable-agent disable-apiserver disable-apiserver-lb disable-cloud-controller
    disable-controller-manager disable-default-registry-endpoint disable-etcd disable-helm-controller disable-kube-proxy
    disable-network-policy disable-scheduler docker embedded-registry enable-pprof etcd-disable-snapshots etcd-expose-metrics etcd-s3
    etcd-s3-insecure etcd-s3-skip-ssl-verify etcd-snapshot-compress flannel-external-ip flannel-ipv6-masq kine-tls nonroot-devices
    prefer-bundled-bin protect-kernel-defaults rootless secrets-encryption selinux supervisor-metrics tls-san-security with-node-id
""".split()
NUMBERS = """
    advertise-port apiserver-port etcd-s3-retention etcd-snapshot-retention https-listen-port lb-server-port supervisor-port v
""".split()
BY_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "etcd-s3-access-key",
    "AWS_SECRET_ACCESS_KEY": "etcd-s3-secret-key",
    "AWS_SESSION_TOKEN": "etcd-s3-session-token",
    "K3S_AGENT_TOKEN": "agent-token",
    "K3S_AGENT_TOKEN_FILE": "agent-token-file",
    "K3S_APISERVER_BIND_ADDRESS": "apiserver-bind-address",
    "K3S_APISERVER_PORT": "apiserver-port",
    "K3S_CLUSTER_INIT": "cluster-init",
    "K3S_CLUSTER_RESET": "cluster-reset",
    "K3S_CONFIG_FILE": "config",
    "K3S_DATASTORE_CAFILE": "datastore-cafile",
    "K3S_DATASTORE_CERTFILE": "datastore-certfile",
    "K3S_DATASTORE_ENDPOINT": "datastore-endpoint",
    "K3S_DATASTORE_KEYFILE": "datastore-keyfile",
    "K3S_DATA_DIR": "data-dir",
    "K3S_DEBUG": "debug",
    "K3S_KUBECONFIG_GROUP": "write-kubeconfig-group",
    "K3S_KUBECONFIG_MODE": "write-kubeconfig-mode",
    "K3S_KUBECONFIG_NAME": "write-kubeconfig-name",
    "K3S_KUBECONFIG_OUTPUT": "write-kubeconfig",
    "K3S_LB_SERVER_PORT": "lb-server-port",
    "K3S_NODE_NAME": "node-name",
    "K3S_RESOLV_CONF": "resolv-conf",
    "K3S_SELINUX": "selinux",
    "K3S_SUPERVISOR_PORT": "supervisor-port",
    "K3S_SYSTEM_DEFAULT_REGISTRY": "system-default-registry",
    "K3S_TOKEN": "token",
    "K3S_TOKEN_FILE": "token-file",
    "K3S_URL": "server",
    "K3S_VPN_AUTH": "vpn-auth",
    "K3S_VPN_AUTH_FILE": "vpn-auth-file",
}
SHORT = {"d": "data-dir", "t": "token", "o": "write-kubeconfig", "s": "server", "i": "node-ip", "l": "log", "c": "config"}
EGRESS = ["agent", "cluster", "pod", "disabled"]
ENCRYPTION = ["aescbc", "secretbox"]
BOOTSTRAP = re.compile(r"[a-z0-9]{6}\.[a-z0-9]{16}")


class Refused(Exception):
    """K3s's fatal error."""


def path(name):
    return ROOT + name


def say(words):
    print(words, file=sys.stderr, flush=True)


def known(role):
    return set(AGENT) | set(SERVER if role == "server" else [])


def read_files():
    """The keys of the file and its drop-ins: lists as lists, everything else unchanged."""
    merged = {}
    files = [path(CONFIG), *sorted(glob.glob(path(CONFIG) + ".d/*.yaml") + glob.glob(path(CONFIG) + ".d/*.yml"))]
    for name in files:
        if not os.path.exists(name):
            continue
        with open(name, encoding="utf-8") as opened:
            read = yaml.safe_load(opened) or {}
        if not isinstance(read, dict):
            raise Refused(f"{name}: cannot unmarshal into a map")
        for key, value in read.items():
            key = str(key)
            if key.endswith("+"):
                key = key[:-1]
                before = merged.get(key, [])
                before = before if isinstance(before, list) else [before]
                value = before + (value if isinstance(value, list) else [value])
            merged[key] = value
    return merged


def text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def settings(role, words):
    here, lists, flags, numbers = known(role), set(LISTS), set(FLAGS), set(NUMBERS)
    got = {}

    def put(key, value, source):
        if key in lists:
            values = value if isinstance(value, list) else [value]
            if source == "argument":
                got.setdefault(key, []).extend(text(one) for one in values)
            else:
                got[key] = [text(one) for one in values]
        elif key in flags:
            if text(value) not in ("true", "false"):
                raise Refused(f'invalid boolean value "{value}" for --{key}: parse error')
            got[key] = text(value) == "true"
        else:
            got[key] = text(value[-1] if isinstance(value, list) and value else value)
            if key in numbers and not re.fullmatch(r"-?\d+", got[key]):
                raise Refused(f'invalid value "{got[key]}" for flag -{key}: parse error')

    for key, value in read_files().items():
        if key in here:
            put(key, value, "file")
        else:
            say(f'level=warning msg="Unknown flag --{key} found in config.yaml, skipping\\n"')
    for name, key in BY_ENVIRONMENT.items():
        if os.environ.get(name) and key in here:
            put(key, os.environ[name], "environment")
    words = list(words)
    from_words = set()
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            raise Refused(f"unexpected argument {word}")
        key, equals, value = word.lstrip("-").partition("=")
        key = SHORT.get(key, key)
        if key not in here:
            raise Refused(f"flag provided but not defined: -{key}")
        if not equals:
            if key in flags:
                value = "true"
            elif words:
                value = words.pop(0)
            else:
                raise Refused(f"flag needs an argument: --{key}")
        if key in lists and key not in from_words:
            got.pop(key, None)
        from_words.add(key)
        put(key, value, "argument")
    return got


def from_file(got, key):
    """A secret, given directly or as a file; both at once are a contradiction."""
    name = got.get(key + "-file")
    if name is None:
        return got.get(key)
    if got.get(key):
        raise Refused(f"both --{key} and --{key}-file are set")
    with open(path(name), encoding="utf-8") as opened:
        return opened.read().strip()


def network(value):
    try:
        return ipaddress.ip_network(value, strict=False)
    except ValueError as error:
        raise Refused(f"invalid CIDR address: {value}") from error


def judge_token(token):
    """The hash, the user and the password of a token in any of its forms."""
    if not token:
        raise Refused("token must not be empty")
    if not token.startswith("K10"):
        if BOOTSTRAP.fullmatch(token) or "::" not in token:
            return None, None, token
        raise Refused("invalid token format")
    digest, colons, rest = token[3:].partition("::")
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise Refused("invalid token CA hash length")
    if not colons or not rest:
        raise Refused("invalid token format")
    if BOOTSTRAP.fullmatch(rest):
        return digest, None, rest
    user, colon, password = rest.partition(":")
    if not colon or not user or not password:
        raise Refused("invalid token format")
    return digest, user, password


def judge(role, got):
    url = got.get("server")
    if url is not None:
        parsed = urllib.parse.urlsplit(url)
        if parsed.scheme != "https":
            raise Refused("only https:// URLs are supported, invalid scheme: " + url)
        if not parsed.hostname:
            raise Refused("invalid server URL: " + url)
    token = from_file(got, "token")
    if role == "agent":
        if not token:
            raise Refused("--token is required")
        if not url:
            raise Refused("--server is required")
        return token, judge_token(token)
    if got.get("cluster-reset-restore-path") and not got.get("cluster-reset"):
        raise Refused("invalid flag use; --cluster-reset required with --cluster-reset-restore-path")
    if got.get("cluster-reset") and url:
        raise Refused("invalid flag use; --cluster-reset cannot be used with --server")
    if got.get("disable-etcd") and not url:
        raise Refused("invalid flag use; --server is required with --disable-etcd")
    if got.get("datastore-endpoint") and (got.get("disable-apiserver") or got.get("disable-etcd")):
        raise Refused("invalid flag use; cannot use --disable-apiserver or --disable-etcd with --datastore-endpoint")
    if got.get("egress-selector-mode", "agent") not in EGRESS:
        raise Refused(f"invalid egress-selector-mode {got['egress-selector-mode']}")
    if got.get("secrets-encryption-provider", "aescbc") not in ENCRYPTION:
        raise Refused(f"unsupported secrets-encryption-provider {got['secrets-encryption-provider']}")
    for key in ["cluster-cidr", "service-cidr"]:
        for values in got.get(key, []):
            for value in values.split(","):
                network(value)
    for values in got.get("cluster-dns", []):
        for value in values.split(","):
            if "/" in value:
                raise Refused(f"invalid cluster-dns address: {value}")
            network(value)
    ports = got.get("service-node-port-range", "30000-32767")
    if not re.fullmatch(r"\d+[-+]\d+", ports):
        raise Refused(f"invalid port range {ports}")
    from_file(got, "agent-token")
    if not token and url:
        raise Refused("--token is required to join a cluster")
    if token:
        digest, user, password = judge_token(token)
        if user is None and BOOTSTRAP.fullmatch(password):
            raise Refused("bootstrap token cannot be used as a server token")
        return token, (digest, user, password)
    return None, (None, None, None)


def ca_hash(bundle):
    """The bytes of a bundle with one certificate; the root's DER of a longer one."""
    blocks = re.findall(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", bundle, re.S)
    if len(blocks) < 2:
        return hashlib.sha256(bundle).hexdigest()
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(blocks[-1].decode())).hexdigest()


def entry(name):
    found = os.lstat(name)
    told = {"mode": stat.S_IMODE(found.st_mode), "uid": found.st_uid, "gid": found.st_gid}
    if stat.S_ISREG(found.st_mode):
        with open(name, "rb") as opened:
            told["contents"] = opened.read(65536).decode("utf-8", "replace")
    elif stat.S_ISLNK(found.st_mode):
        told["target"] = os.readlink(name)
    return told


def files(data):
    told = {}
    for tree in ["/etc/rancher", data]:
        for folder, folders, names in os.walk(path(tree)):
            for name in sorted(folders + names):
                full = os.path.join(folder, name)
                told[full[len(ROOT) :]] = entry(full)
    return told


def is_synchronized():
    """From the stamp of systemd-timesyncd's wait, or from the kernel by systemd's answer."""
    if os.path.exists("/run/systemd/timesync/synchronized"):
        return True
    try:
        said = subprocess.run(
            ["timedatectl", "show", "--property=NTPSynchronized", "--value"], capture_output=True, text=True, check=False, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.stdout.strip() == "yes"


def surroundings():
    """The state that a start depends on: of a machine, not of a folder."""
    if ROOT:
        return {}
    addresses = json.loads(subprocess.run(["ip", "-json", "address"], capture_output=True, text=True, check=True).stdout)
    routes = json.loads(subprocess.run(["ip", "-json", "route"], capture_output=True, text=True, check=True).stdout)
    return {
        "addresses": [one["local"] for link in addresses for one in link["addr_info"] if one["scope"] == "global"],
        "has_default_route": any(route["dst"] == "default" for route in routes),
        "synchronized": is_synchronized(),
        "modules": sorted(name for name in ["br_netfilter", "overlay"] if os.path.isdir(f"/sys/module/{name}")),
    }


def report(told):
    os.makedirs(os.path.dirname(REPORT) or ".", exist_ok=True)
    opened = os.open(REPORT, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(opened, "a", encoding="utf-8") as file:
        file.write(json.dumps(told, sort_keys=True) + "\n")


def notify(words):
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as telling:
            telling.connect("\0" + address[1:] if address.startswith("@") else address)
            telling.sendall(words.encode())


def openssl(*words, text_in=None):
    done = subprocess.run(["openssl", *words], input=text_in, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"openssl {words[0]}: {done.stderr.strip()}")
    return done.stdout


def serving(tls, got, node):
    """A serving certificate of the server's authority, made at the first start, as K3s does."""
    tls.mkdir(parents=True, exist_ok=True)
    authority, authority_key = tls / "server-ca.crt", tls / "server-ca.key"
    if not authority.exists():
        authority_key.touch(0o600)
        openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "3650", "-subj",
            "/CN=k3s-server-ca", "-addext", "keyUsage=critical,digitalSignature,keyCertSign,keyEncipherment", "-keyout", str(authority_key), "-out", str(authority),
        )
    certificate, key = tls / "serving-kube-apiserver.crt", tls / "serving-kube-apiserver.key"
    names = ["127.0.0.1", "10.43.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", node]
    for values in got.get("tls-san", []) + got.get("node-ip", []):
        names += values.split(",")
    names += [got["advertise-address"]] if got.get("advertise-address") else []
    is_address = lambda name: re.fullmatch(r"[0-9.]+|[0-9a-fA-F:]*:[0-9a-fA-F:]*", name)
    alternatives = ",".join(("IP:" if is_address(name) else "DNS:") + name for name in dict.fromkeys(names))
    extensions = tls / "serving.extensions"
    extensions.write_text(f"keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName={alternatives}\n")
    request = openssl(
        "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-subj", "/CN=kube-apiserver", "-keyout", str(key)
    )
    openssl(
        "x509", "-req", "-days", "365", "-CA", str(authority), "-CAkey", str(authority_key), "-extfile", str(extensions), "-out", str(certificate),
        text_in=request,
    )
    extensions.unlink()
    # Presents the chain: the bundle's own intermediate certificates, without the root.
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", authority.read_text(), re.S)
    with open(certificate, "a", encoding="ascii") as opened:
        opened.writelines(blocks[:-1])
    return certificate, key, authority


def ask(url, name, trusted=None, user=None, password=None):
    """A GET. A known authority verifies the server."""
    parsed = urllib.parse.urlsplit(url)
    context = ssl.create_default_context(cadata=trusted) if trusted else ssl._create_unverified_context()
    headers = {}
    if password is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    connection = http.client.HTTPSConnection(parsed.hostname, parsed.port or 443, timeout=5, context=context)
    try:
        connection.request("GET", name, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def join(role, url, token, node):
    """A joiner's first steps: it fetches the authorities, verifies them by its token, and presents its password."""
    digest, user, password = token
    user = user or ("server" if role == "server" else "node")
    while True:
        try:
            status, bundle = ask(url, "/cacerts")
            break
        except OSError as error:
            say(f'level=error msg="failed to get CA certs: {error}"')
            time.sleep(float(os.environ.get("K3S_STANDIN_RETRY", "2")))
    if status != 200:
        raise Refused(f"failed to get CA certs: {status}")
    if digest is not None and ca_hash(bundle) != digest:
        raise Refused("token CA hash does not match the Cluster CA certificate hash: " + f"{digest} != {ca_hash(bundle)}")
    try:
        status, said = ask(url, f"/v1-k3s/join?role={role}&node={urllib.parse.quote(node)}", bundle.decode(), user, password)
    except ssl.SSLError as error:
        raise Refused(f"failed to validate server: {error}") from error
    if status != 200:
        raise Refused(f"failed to validate token: {status} {said.decode('utf-8', 'replace').strip()}")
    return said.decode()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def finish_request(self, request, client_address):
        request.settimeout(10)
        try:
            tls = self.context.wrap_socket(request, server_side=True)
        except (ssl.SSLError, OSError):
            return
        self.RequestHandlerClass(tls, client_address, self)
        tls.close()

    def handle_error(self, *_):
        pass


def serve(got, node, token, agent_token, data):
    tls = pathlib.Path(path(data), "server/tls")
    certificate, key, authority = serving(tls, got, node)
    nodes = {node}
    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 10

        def answer(self, status, body):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            parsed = urllib.parse.urlsplit(self.path)
            if parsed.path == "/ping":
                return self.answer(200, b"pong")
            if parsed.path in ("/readyz", "/healthz", "/livez"):
                return self.answer(200, b"ok")
            if parsed.path == "/cacerts":
                return self.answer(200, authority.read_bytes())
            if parsed.path != "/v1-k3s/join":
                return self.answer(404, b"404 page not found\n")
            query = dict(urllib.parse.parse_qsl(parsed.query))
            shown = self.headers.get("Authorization", "").removeprefix("Basic ")
            user, _, password = base64.b64decode(shown).decode("utf-8", "replace").partition(":")
            right = {token} if query.get("role") == "server" else {token, agent_token or token}
            if password not in right or not password:
                return self.answer(401, b"Unauthorized\n")
            if query.get("node") in nodes:
                return self.answer(403, b"duplicate node name found, please use a unique name for this node\n")
            nodes.add(query.get("node"))
            say(f'level=info msg="{query.get("role")} {query.get("node")} joined"')
            return self.answer(200, node.encode())

        def log_message(self, *_):
            pass

    address = got.get("bind-address", "0.0.0.0")
    server = Server((address, int(got.get("https-listen-port", "6443"))), Handler)
    server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.context.load_cert_chain(certificate, key)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1], ca_hash(authority.read_bytes())


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("--version", "-v"):
        print("k3s version v0.0.0-standin (stand-in)")
        return 0
    role, words = sys.argv[1], sys.argv[2:]
    if role not in ("server", "agent"):
        say(f"No help topic for '{role}'")
        return 3
    started = datetime.datetime.now(datetime.timezone.utc).isoformat()
    told = {
        "role": role,
        "arguments": words,
        "environment": {name: value for name, value in os.environ.items() if name.startswith(("K3S_", "CONTAINERD_", "KINE_", "HTTP", "NO_PROXY"))},
        "started": started,
        "surroundings": surroundings(),
        "under_systemd": bool(os.environ.get("NOTIFY_SOCKET")),
    }
    try:
        got = settings(role, words)
        told["settings"] = got
        data = got.get("data-dir", "/var/lib/rancher/k3s")
        told["files"] = files(data)
        token, parts = judge(role, got)
        node = got.get("node-name") or os.uname().nodename.lower()
        told["node"] = node
        if got.get("protect-kernel-defaults") and not ROOT:
            for name, value in {"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1"}.items():
                if pathlib.Path("/proc/sys", name).read_text().strip() != value:
                    raise Refused(f"invalid kernel flag: {name}, expected value: {value}")
        # An existing etcd makes the join settings irrelevant, as in K3s.
        member = pathlib.Path(path(data), "server/db/etcd")
        told["was_member"] = member.is_dir()
        if got.get("server") and not (role == "server" and member.is_dir()):
            told["joined"] = join(role, got["server"], parts, node)
            say(f'level=info msg="joined by {got["server"]}"')
        if role == "server":
            password = parts[2] if parts[2] else os.urandom(16).hex()
            agent_token = from_file(got, "agent-token")
            agent_token = judge_token(agent_token)[2] if agent_token else None
            told["port"], told["ca_hash"] = serve(got, node, password, agent_token, data)
            if got.get("cluster-init") or got.get("server"):
                member.mkdir(parents=True, exist_ok=True)
            server = pathlib.Path(path(data), "server")
            server.mkdir(parents=True, exist_ok=True)
            secret = server / "token"
            secret.touch(0o600)
            secret.write_text(f"K10{told['ca_hash']}::server:{password}\n")
    except (Refused, OSError, yaml.YAMLError) as error:
        told["refused"] = str(error)
        report(told)
        say(f'level=fatal msg="{error}"')
        return 1
    report(told)
    say('level=info msg="k3s is up and running"')
    notify("READY=1")
    signal.sigwait([signal.SIGTERM, signal.SIGINT])
    return 0


signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT])
sys.exit(main())
