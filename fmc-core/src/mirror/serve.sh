# The mirror of the bootstrap machine, written by fmc. It answers one request for a file below the folder in its argument:
# systemd starts it for each connection, which is its input and its output.

LC_ALL=C
PATH=/usr/bin:/bin
SECONDS=0
set -f
readonly ROOT=$1 PATIENCE=10 LONGEST=1024 MOST=64
line=

# A line in what is left of the time; one that is too long is cut, and the next read sees its rest.
receive() {
    local left=$((PATIENCE - SECONDS))
    ((left > 0)) || return 142
    IFS= read -r -t "$left" -n "$LONGEST" line || return
    line=${line%$'\r'}
}

head_of() {
    printf 'HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %s\r\n%sConnection: close\r\n\r\n' "$@"
    printf '%s: %q: %s\n' "${REMOTE_ADDR:-unknown}" "$request" "$1" >&2
}

refuse() {
    head_of "$1" text/plain "$((${#1} + 1))" "${2:-}"
    [[ $request == HEAD\ * ]] || printf '%s\n' "$1"
    # What a client still sends is read: closing before that would take the answer from it.
    timeout 2 head --bytes=65536 >/dev/null
    exit 0
}

request=
receive
ended=$?
request=$line
((ended <= 128)) || refuse '408 Request Timeout'
((ended == 0)) || exit 0
((${#request} < LONGEST - 1)) || refuse '400 Bad Request'
[[ $request =~ ^([A-Z]+)\ ([!-~]+)\ HTTP/1\.[01]$ ]] || refuse '400 Bad Request'
method=${BASH_REMATCH[1]} path=${BASH_REMATCH[2]}

# What else the client says is read, and changes nothing.
for ((count = 0; count < MOST; count++)); do
    receive
    ended=$?
    ((ended <= 128)) || refuse '408 Request Timeout'
    ((ended == 0)) || exit 0
    [[ -n $line ]] || break
done
((count < MOST)) || refuse '400 Bad Request'

[[ $method == GET || $method == HEAD ]] || refuse '405 Method Not Allowed' $'Allow: GET, HEAD\r\n'
[[ $path =~ ^/(sha256-[0-9a-f]{64}|sha512-[0-9a-f]{128})/[A-Za-z0-9_+~-][A-Za-z0-9._+~-]*$ ||
    $path =~ ^/SHA(256|512)SUMS$ ]] || refuse '404 Not Found'
[[ -f $ROOT$path && ! -L $ROOT$path ]] && size=$(stat --format=%s "$ROOT$path") || refuse '404 Not Found'
head_of '200 OK' application/octet-stream "$size" ''
[[ $method == HEAD ]] || exec cat "$ROOT$path"
