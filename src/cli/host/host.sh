# Runs on a host as root. Before it stand variables: owner, prefix, mark, manager, undo_after, taken (bridge|interface|address),
# links, unit, table. After it stands a verb.
state=/var/lib/fmc/host/$owner
pending=$state/pending
export PATH="$PATH:/usr/sbin:/sbin" LC_ALL=C

has_systemd() { [ -d /run/systemd/system ]; }
is_link() { ip -o link show dev "$1" >/dev/null 2>&1; }
sum() { sha256sum <"$1" | cut -c1-64; }
field() { echo "$1" | cut -d'|' -f"$2"; }
is_ours() { [ -f "$1" ] && [ ! -L "$1" ] && [ "$(head -n 1 "$1")" = "$mark" ]; }

ours() {
  for f in /etc/systemd/network/*-"$prefix"-* /etc/NetworkManager/system-connections/"$prefix"-*.nmconnection \
    /etc/systemd/system/"$prefix"-*.service /etc/sysctl.d/*-"$prefix".conf /etc/fmc/"$owner"/*; do
    if is_ours "$f"; then echo "$f"; fi
  done
}

# What is there. Only files of ours are shown: another one may hold a secret.
look() {
  echo "user $(id -u)"
  for f in "$@" $(ours); do
    if is_ours "$f"; then
      echo "ours $f $(stat -c %a "$f") $(sum "$f")"
      sed 's/^/|/' "$f"
      echo
    elif [ -e "$f" ] || [ -L "$f" ]; then
      echo "stranger $f"
    fi
  done
  case $manager in
    networkd) if pgrep -x systemd-network >/dev/null 2>&1; then echo "running"; fi ;;
    network-manager) if pgrep -x NetworkManager >/dev/null 2>&1; then echo "running"; fi ;;
  esac
  for one in $taken; do
    interface=$(field "$one" 2)
    ip -o address show dev "$interface" scope global 2>/dev/null | while read -r _ _ _ address rest; do
      case " $rest " in *" dynamic "*) echo "address $interface $address dynamic" ;; *) echo "address $interface $address fixed" ;; esac
    done
    ip -4 route show dev "$interface" 2>/dev/null | grep -v '^default\|proto kernel\|proto dhcp' | while read -r to _; do
      echo "route $interface $to"
    done
    case $manager in
      networkd) networkctl list --no-legend "$interface" 2>/dev/null | grep -q 'unmanaged *$' && echo "unmanaged $interface" ;;
      network-manager) [ -n "$(nmcli -g GENERAL.CON-UUID device show "$interface" 2>/dev/null)" ] || echo "unmanaged $interface" ;;
    esac
    if [ "$manager" = networkd ] && grep -qsE "^[[:space:]]*iface[[:space:]]+$interface([[:space:]]|\$)" \
      /etc/network/interfaces /etc/network/interfaces.d/*; then echo "ifupdown $interface"; fi
  done
  {
    for one in $taken; do field "$one" 2; done
    for link in $links; do echo "$link"; done
    ours | grep '\.netdev$' | while read -r f; do sed -n 's/^Name=//p' "$f"; done
    ours | grep '\.nmconnection$' | while read -r f; do sed -n 's/^interface-name=//p' "$f"; done
  } | while read -r link; do
    if [ -n "$link" ] && is_link "$link"; then
      echo "link $link $(ip -o link show master "$link" 2>/dev/null | sed 's/^[0-9]*: //; s/[@:].*//' | tr '\n' ' ')"
    fi
  done
  if [ -n "$unit" ]; then
    if [ -x /usr/sbin/nft ]; then echo "nft"; fi
    if is_loaded; then echo "loaded"; fi
  fi
  if [ -d "$pending" ]; then echo "pending"; fi
  echo "looked"
}

is_loaded() {
  nft list table inet "$table" >/dev/null 2>&1 || return 1
  if has_systemd; then systemctl -q is-enabled "$unit" && systemctl -q is-active "$unit"; fi
}

die() {
  echo "failed $*"
  if [ -z "${armed-}" ]; then rm -rf "$pending"; fi
  exit 1
}

begin() {
  mkdir -p "$state" && chmod 700 /var/lib/fmc "$state" || die "$state cannot be written"
  if ! mkdir "$pending" 2>/dev/null; then
    echo "failed an earlier install is neither confirmed nor undone"
    exit 1
  fi
  mkdir "$pending/old" "$pending/new" || die "$pending cannot be written"
  : >"$pending/list"
  for link in $links; do if ! is_link "$link"; then echo "$link"; fi; done >"$pending/made"
  cat /proc/sys/net/ipv4/ip_forward >"$pending/forward"
  ip -4 route show default | sed -n 's/.* via \([^ ]*\).*/\1/p' | head -n 1 >"$pending/router"
  if [ "$manager" = network-manager ]; then
    for one in $taken; do nmcli -g GENERAL.CON-UUID device show "$(field "$one" 2)"; done >"$pending/connections" 2>/dev/null
  fi
}

as_seen() {
  if [ "$2" = - ]; then
    if [ -e "$1" ] || [ -L "$1" ]; then die "$1 is there now"; fi
  else
    is_ours "$1" && [ "$(sum "$1")" = "$2" ] || die "$1 has changed since"
  fi
}

# put NUMBER PATH MODE SUM, with the content on standard input
put() {
  as_seen "$2" "$4"
  cat >"$pending/new/$1" && chmod "$3" "$pending/new/$1" || die "$pending cannot be written"
  if [ "$4" != - ]; then cp -p "$2" "$pending/old/$1" || die "$2 cannot be kept"; fi
  echo "$1 $2" >>"$pending/list"
}

# drop NUMBER PATH SUM
drop() {
  as_seen "$2" "$3"
  cp -p "$2" "$pending/old/$1" || die "$2 cannot be kept"
  case $2 in
    *.netdev) sed -n 's/^Name=//p' "$2" >>"$pending/gone" ;;
    *.network) sed -n 's/^Name=//p' "$2" >>"$pending/left" ;;
  esac
  echo "$1 $2" >>"$pending/list"
}

# The job that undoes it is started before anything changes, and this connection need not live on.
go() {
  cat >"$state/job.sh" || die "$state cannot be written"
  if has_systemd; then
    systemctl stop "$prefix-undo.timer" >/dev/null 2>&1
    systemctl reset-failed "$prefix-undo.service" "$prefix-install.service" >/dev/null 2>&1
    systemd-run --quiet --collect --on-active="${undo_after}s" --timer-property=AccuracySec=1s --unit="$prefix-undo" \
      sh "$state/job.sh" undo || die "the job that undoes it did not start"
    armed=1
    systemd-run --quiet --collect --no-block --unit="$prefix-install" sh "$state/job.sh" activate || die "its job did not start"
  else
    setsid sh -c 'sleep "$1"; exec sh "$2" undo' undo "$undo_after" "$state/job.sh" </dev/null >/dev/null 2>&1 &
    echo $! >"$pending/timer"
    armed=1
    setsid sh "$state/job.sh" activate </dev/null >/dev/null 2>&1 &
  fi
  echo "begun"
}

place() {
  mkdir -p "$(dirname "$2")" && cp -p "$1" "$(dirname "$2")/.fmc-new" && mv -f "$(dirname "$2")/.fmc-new" "$2"
}

# Stops a unit of ours before its file goes.
retire() {
  case $1 in
    /etc/systemd/system/*)
      if has_systemd; then systemctl -q disable --now "$(basename "$1")"; else nft delete table inet "$table"; fi ;;
  esac
  rm -f "$1"
}

# Lets the programs read the files as they are.
reload() {
  if has_systemd; then systemctl daemon-reload; fi
  # The cloud may no longer say what configures the network; the files that change do.
  if [ "$manager" = networkd ] || grep -q '\.network$' "$1/list"; then
    udevadm control --reload 2>/dev/null
    networkctl reload || return 1
    {
      for one in $taken; do field "$one" 2; done
      if [ -f "$1/left" ]; then cat "$1/left"; fi
    } | while read -r interface; do
      if is_link "$interface"; then networkctl reconfigure "$interface"; fi
    done
  fi
  if [ "$manager" = network-manager ] || grep -q '\.nmconnection$' "$1/list"; then nmcli connection reload || return 1; fi
}

activate() {
  while read -r n path; do
    if [ -e "$pending/new/$n" ]; then place "$pending/new/$n" "$path"; else retire "$path"; fi || {
      echo "failed $path cannot be changed" >"$pending/result"
      exit 1
    }
  done <"$pending/list"
  if [ -f "$pending/gone" ]; then while read -r link; do ip link delete "$link"; done <"$pending/gone"; fi
  if ! reload "$pending"; then echo "failed the network's program did not read its files" >"$pending/result"; exit 1; fi
  if [ "$manager" = network-manager ]; then
    # A bridge comes before its ports.
    for link in $links; do nmcli -w 30 connection up "$prefix-$link"; done
    for one in $taken; do nmcli -w 30 connection up "$prefix-$(field "$one" 2)"; done
  fi
  if [ -n "$unit" ]; then
    sysctl -q -w net.ipv4.ip_forward=1
    if has_systemd; then systemctl -q enable "$unit" && systemctl restart "$unit"; else nft -f "/etc/fmc/$owner/host.nft"; fi || {
      echo "failed the nft table did not load" >"$pending/result"
      exit 1
    }
  fi
  echo "activated" >"$pending/result.new" && mv "$pending/result.new" "$pending/result"
}

# Whoever renames the folder first, this or `confirm`, decides.
undo() {
  mv "$pending" "$state/undoing" 2>/dev/null || exit 0
  while read -r n path; do
    if [ -e "$state/undoing/old/$n" ]; then place "$state/undoing/old/$n" "$path"; else retire "$path"; fi
  done <"$state/undoing/list"
  while read -r link; do ip link delete "$link"; done <"$state/undoing/made"
  cat "$state/undoing/forward" >/proc/sys/net/ipv4/ip_forward
  reload "$state/undoing"
  if [ -f "$state/undoing/connections" ]; then
    while read -r uuid; do nmcli -w 30 connection up uuid "$uuid"; done <"$state/undoing/connections"
  fi
  if [ -n "$unit" ] && [ -f "/etc/fmc/$owner/host.nft" ]; then
    if has_systemd; then systemctl restart "$unit"; else nft -f "/etc/fmc/$owner/host.nft"; fi
  fi
  rm -rf "$state/undone"
  mv "$state/undoing" "$state/undone"
}

# Whether a router answers ARP, which it does also where it drops pings.
answers() {
  ip neighbour replace "$1" dev "$2" use 2>/dev/null
  sleep 1
  ip neighbour show "$1" dev "$2" | grep lladdr | grep -qv FAILED
}

# Says what is not as it should be, and keeps the change if everything is.
confirm() {
  if [ ! -d "$pending" ]; then echo "undone"; exit 0; fi
  if [ ! -f "$pending/result" ]; then echo "wait it is not done yet"; exit 0; fi
  if [ "$(cat "$pending/result")" != activated ]; then cat "$pending/result"; exit 0; fi
  for link in $links; do if ! is_link "$link"; then echo "wait $link is not there"; exit 0; fi; done
  for one in $taken; do
    bridge=$(field "$one" 1) interface=$(field "$one" 2) address=$(field "$one" 3)
    if ! ip -o link show dev "$interface" | grep -q " master $bridge "; then echo "wait $interface is no port of $bridge"; exit 0; fi
    case $address in
      none) ;;
      dhcp) ip -o -4 address show dev "$bridge" | grep -q inet || { echo "wait $bridge has no address"; exit 0; } ;;
      *) ip -o -4 address show dev "$bridge" | grep -q " $address " || { echo "wait $bridge does not have $address"; exit 0; } ;;
    esac
    # Programs that keep another address there are found here.
    if ip -o -4 address show dev "$interface" | grep -q inet; then echo "wait $interface still has an address"; exit 0; fi
  done
  router=$(cat "$pending/router")
  if [ -n "$router" ]; then
    now=$(ip -4 route show default | sed -n 's/.* via \([^ ]*\) dev \([^ ]*\).*/\1 \2/p' | head -n 1)
    if [ -z "$now" ]; then echo "wait the default route is gone"; exit 0; fi
    # shellcheck disable=SC2086 # A router and its interface.
    if ! answers $now; then echo "wait the router ${now%% *} does not answer"; exit 0; fi
  fi
  if [ -n "$unit" ] && ! is_loaded; then echo "wait the nft table is not loaded"; exit 0; fi
  rm -rf "$state/before"
  mv "$pending" "$state/before" 2>/dev/null || { echo "undone"; exit 0; }
  if has_systemd; then
    systemctl stop "$prefix-undo.timer" >/dev/null 2>&1
  else
    kill -- "-$(cat "$state/before/timer")" 2>/dev/null
  fi
  echo "confirmed"
}
