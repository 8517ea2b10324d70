#!/usr/bin/env bash
#
# Puts Outrigger into the extension's directory on every CloudStack management server: all of them
# or none. Run `./install.sh --help`.
#
# How it works: one ssh session per server starts bash there and feeds it the srv_ functions below.
# That bash then takes commands, one line each, and answers `ok` or `failed WHY`. It holds a lock for
# as long as the session lives, and puts back what it changed when the session ends before `keep`.
# So a cut line or a killed install.sh leaves no server half done.

# No `set -e`: it is off inside every condition, which is where nearly everything here runs.
set -uo pipefail
export LC_ALL=C

readonly least_node='18.17'
printf -v S_ZEROS '%064d' 0
here=${BASH_SOURCE[0]}
case $here in */*) here=${here%/*} ;; *) here=. ;; esac
readonly here

usage() {
  cat <<'HELP'
Usage: ./install.sh --name NAME [--host USER@SERVER ...] [--hosts-file FILE] [--local] [options]

Installs out/outrigger as the extension NAME on every management server named, or on none of them.
Each server is checked first; the file is then copied beside the extensions directory, verified
there, and renamed into place. Running it again changes nothing.

What to do (one of these; without any: install)
  --check            Compare all servers with each other and with the local file; changes nothing
  --dry-run          Say what an install would do; changes nothing
  --rollback         Go back to the version before, on all servers (twice: forth again)
  --uninstall        Remove the file, or restore the built-in script; asks for --force

Where
  --name NAME        The extension's name as CloudStack has it; spaces and capitals are turned into
                     the directory's name as CloudStack does it
  --replace DIR/ENTRY  Instead of --name: take the place of a built-in script, for example
                     Proxmox/proxmox.sh. A copy is kept; --uninstall restores it
  --entry FILE       Name of the file in the extension's directory (default: outrigger)
  --host HOST        A server as ssh knows it: alias, user@server or ssh://user@server:port
  --hosts-file FILE  One such HOST in a line; # begins a comment
  --local            This server too, without ssh
  --prefix DIR       Put this before every path on the servers (images, tests); %h in it stands for
                     the server, without the user
  --allow-down HOST  Go on without HOST when it does not answer or fails its checks. --check names
                     it until it has caught up

What
  --file FILE        The file to install (default: out/outrigger beside install.sh)
  --node PATH        The Node.js that runs it, the same absolute path on all servers
                     (default: the first node in the PATH of CloudStack's service)
  --secret [NAME=]FILE  Also place FILE as /etc/outrigger/secrets/NAME (root:cloud, 0640)
  --secrets-dir      Also create /etc/outrigger/secrets (root:cloud, 0750)
  --config FILE      Also place FILE as /etc/outrigger/config.json (root:root, 0644)
  --credentials FILE With --check: compare with the path that CloudStack has registered, too. FILE
                     holds API keys (docs/registering.md). Outrigger on a server makes the call; it
                     gets FILE through ssh and its standard input

How
  --ssh-option OPT   Passed to ssh as -o OPT; may be repeated
  --ssh-config FILE  Passed to ssh as -F FILE
  --force            Needed by --uninstall
  --help             This text

Each server needs sshd, bash 4.4, coreutils 8.30, sed, grep and flock, and a login as root or one
that may use sudo without a password.
Host keys are always verified: an unknown one is refused. Passwords are asked for by ssh alone.

Exit codes
  0  done, or nothing to do
  1  refused or failed; every server is as it was before
  2  wrong usage, or a file here that cannot be used; no server was asked
  3  failed, and a server may not be as it was before: the text names it
With --check, as monitoring wants it:
  0  all the same and in order
  1  in order, with warnings
  2  a server differs, is not in order or does not answer
  3  wrong usage, or a file here that cannot be used
HELP
}

# From here to srv_close is what runs on the servers. It is sent there as text, so it may use only
# srv_ functions and what is set before them in that text: S_NONCE S_PREFIX S_NAME S_DIR S_ENTRY
# S_REPLACE S_NODE S_SALT S_LEAST_NODE S_ZEROS.
srv_main() {
  # A cut session must not kill us in the middle: the end of our input is what ends us.
  trap '' HUP PIPE INT
  trap 'srv_close; exit 1' TERM
  umask 022
  LC_ALL=C
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:${PATH:-}
  cd / || exit 1
  # Only srv_answer writes to the session; what the tools print goes to standard error.
  exec 3>&1 1>&2
  srv_paths
  printf '%s ready\n' "$S_NONCE" >&3
  srv_serve
  srv_close
}

srv_serve() {
  local words why
  while IFS=' ' read -r -t 1800 -a words; do
    why=''
    case ${words[0]:-} in
      inspect | registered | lock | stage | previous | remove | secrets | secret | config | commit | undo | keep | behind)
        if "srv_${words[0]}" "${words[@]:1}"; then srv_answer ok; else srv_answer "failed $why"; fi
        ;;
      *) srv_answer 'failed there is no such command' ;;
    esac
  done
}

srv_answer() { printf '%s\n' "${*//$'\n'/; }" >&3; }
srv_fact() { srv_answer "fact $1 $2"; }
srv_problem() { srv_answer "problem $*"; }
srv_warn() { srv_answer "warn $*"; }

# Runs a command; what it printed becomes the reason when it fails.
srv_try() { why=$("$@" 2>&1 </dev/null 3>&-) || { why=${why:-"$1 failed"}; return 1; }; }

# The path with a link at its end followed. An absolute link means a place below the prefix.
srv_resolve() {
  local path=$1 target hops=0
  while [ -L "$path" ] && ((hops++ < 8)); do
    target=$(readlink -- "$path")
    case $target in
      /*) path=$S_PREFIX$target ;;
      *) path=${path%/*}/$target ;;
    esac
  done
  printf '%s' "$path"
}

srv_paths() {
  named=$S_PREFIX/usr/share/cloudstack-management/extensions
  tree=$(srv_resolve "$named")
  # On the same file system, so that a rename is atomic, but never inside: CloudStack may compare
  # every file of an extension between its servers.
  beside=${tree%/*}
  place=$tree/$S_DIR
  dest=$place/$S_ENTRY
  state=$S_PREFIX/var/lib/outrigger/$S_DIR/$S_ENTRY
  etc=$S_PREFIX/etc/outrigger
  service_path=$(srv_service_path)
  home=$(getent passwd cloud)
  home=${home%:*} home=${home##*:}
  work='' etc_work='' state_open='' saved='' put_sha='' removing='' committed='' made=()
  told_node='' t_dest=() t_new=() t_old=() t_done=()
}

# The PATH in which CloudStack starts extensions: no login shell, no version manager.
srv_service_path() {
  local pid='' path=''
  if [ -z "$S_PREFIX" ] && command -v systemctl >/dev/null; then
    pid=$(systemctl show -p MainPID --value cloudstack-management 2>/dev/null)
    if [[ $pid =~ ^[1-9][0-9]*$ ]]; then
      path=$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^PATH=//p' | head -n 1)
    fi
  fi
  if [ -z "$path" ] && [ -r "$S_PREFIX/etc/default/cloudstack-management" ]; then
    path=$(sed -n 's/^PATH=//p' "$S_PREFIX/etc/default/cloudstack-management" | tail -n 1)
    path=${path//[\"\']/}
  fi
  printf '%s' "${path:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"
}

# Runs a command as CloudStack would: its user, its PATH and no other environment.
srv_as_cloud() {
  set -- env -i "PATH=$service_path" "HOME=$home" LANG=C "$@"
  if command -v runuser >/dev/null; then set -- runuser -u cloud -- "$@"; else set -- sudo -n -u cloud -- "$@"; fi
  timeout -k 2 20 "$@" 3>&- 9>&-
}

# The hash that the build stamps: everything after line 1, with the stamp zeroed.
srv_content() {
  sed -E "1d;0,/sha256:[0-9a-f]{64}/s//sha256:$S_ZEROS/" -- "$1" | srv_hash
}

srv_hash() {
  local sum
  sum=$(sha256sum) && printf '%s' "${sum%% *}"
}

srv_stamp() {
  local found
  found=$(grep -aoEm1 'sha256:[0-9a-f]{64}' -- "$1")
  found=${found%%$'\n'*}
  printf '%s' "${found#sha256:}"
}

srv_is_intact() { [ "$(srv_content "$1")" = "$(srv_stamp "$1")" ]; }
srv_sha() { srv_hash <"$1"; }
srv_same() { [ "$(srv_sha "$1")" = "$(srv_sha "$2")" ]; }
srv_owner_mode() { stat -c '%U:%G %a' -- "$1" 2>/dev/null; }

# What lies at the destination, in one word. CONTENT and STAMP are those of a plain file.
srv_state_of() {
  local file=$1 content=$2 stamp=$3
  if [ ! -e "$file" ] && [ ! -L "$file" ]; then echo absent
  elif [ -L "$file" ] || [ ! -f "$file" ]; then echo obstacle
  elif [ "$content" = "$stamp" ]; then echo intact
  elif grep -aq 'Outrigger needs Node\.js' "$file"; then echo modified
  elif [ -e "$state/installed" ]; then echo rewritten
  elif [ "$S_REPLACE" = 1 ]; then echo builtin
  else echo foreign
  fi
}

srv_lock() {
  # Locked is the directory itself: a lock file would be one more thing to leave behind.
  [ -d "$tree" ] || return 0
  if ! command -v flock >/dev/null; then why='flock (util-linux) is missing'; return 1; fi
  exec 9<"$tree"
  flock -n 9 || { why='another install.sh is at work there; try again when it is done'; return 1; }
  # Left by a session whose end nobody saw; the lock says that it is nobody's now.
  rm -rf -- "$beside"/.outrigger-work-* "$etc"/.outrigger-work-*
}

# inspect BYTES: what is there and what stands in the way; BYTES 0 means that nothing will be written.
srv_inspect() {
  srv_look
  srv_look_place
  [ "$1" = 0 ] || srv_look_room "$1"
  if [ -n "$home" ]; then
    srv_look_run
    srv_look_node "$1"
  else
    srv_problem 'there is no user cloud: is cloudstack-management installed?'
  fi
  srv_look_secrets
}

srv_look() {
  local word content='' stamp=''
  if [ -f "$dest" ] && [ ! -L "$dest" ]; then
    content=$(srv_content "$dest") stamp=$(srv_stamp "$dest")
    srv_fact sha "$(srv_sha "$dest")"
    srv_fact content "$content"
    srv_fact owner_mode "$(srv_owner_mode "$dest")"
  fi
  current=$(srv_state_of "$dest" "$content" "$stamp")
  srv_fact state "$current"
  if srv_has_old_kernel; then srv_fact old_kernel "$kernel"; fi
  for word in installed previous replaced displaced; do
    [ ! -e "$state/$word" ] || srv_fact "$word" "$(srv_sha "$state/$word")"
  done
  [ ! -r "$state/behind" ] || srv_fact behind "$(tr '\n' ' ' <"$state/behind")"
}

# Kernels before 5.1 read 127 characters of line 1. An image that is being built has none.
srv_has_old_kernel() {
  kernel=''
  [ ! -r "$S_PREFIX/proc/sys/kernel/osrelease" ] || read -r kernel <"$S_PREFIX/proc/sys/kernel/osrelease"
  [[ $kernel =~ ^([0-9]+\.[0-9]+) ]] && srv_is_older "${BASH_REMATCH[1]}" 5.1
}

srv_look_place() {
  local facts mode
  if [ ! -d "$tree" ]; then
    srv_problem "$named is not a directory: is cloudstack-management installed?"
    return
  fi
  mapfile -t facts < <(stat -c '%d %a' -- "$tree" "$beside")
  if [ "${facts[0]% *}" != "${facts[1]% *}" ]; then
    srv_problem "$tree is a file system of its own, so nothing beside it can be renamed into it in one step: mount $beside instead"
  fi
  if [ ! -w "$tree" ] || [ ! -w "$beside" ]; then
    srv_problem "$(id -un) may not write in $tree and $beside (read-only?)"
  fi
  mode=${facts[0]#* }
  if ((8#$mode & 8#002)); then srv_problem "anyone may write in $tree (mode $mode): chmod o-w it"; fi
  if [ -L "$place" ] || { [ -e "$place" ] && [ ! -d "$place" ]; }; then
    srv_problem "$place is not a plain directory"
  elif [ -d "$place" ]; then
    srv_look_inside
  fi
}

srv_look_inside() {
  local mode other
  mode=$(stat -c %a -- "$place")
  if ((8#$mode & 8#002)); then srv_problem "anyone may write in $place (mode $mode): chmod o-w it"; fi
  # The directory of a built-in extension holds more than its script.
  [ "$S_REPLACE" = 0 ] || return
  for other in "$place"/* "$place"/.[!.]*; do
    [ "$other" = "$dest" ] || [ ! -e "$other" ] || srv_warn "$other does not belong there: only $S_ENTRY does"
  done
}

srv_look_room() {
  local size=$1 near=$state free
  [ -d "$beside" ] || return
  until [ -d "$near" ]; do near=${near%/*}; near=${near:-/}; done
  mapfile -t free < <(df -B1 --output=avail -- "$beside" "$near")
  srv_need "$beside" "${free[1]:-0}" $((size * 3 + 65536))
  srv_need "$near" "${free[2]:-0}" $((size * 2 + 65536))
}

srv_need() {
  (($2 >= $3)) || srv_problem "$1 has $(($2 / 1024)) KiB free, the install needs $(($3 / 1024)) KiB"
}

# The Node that will run the file: the one asked for, or the one that the file there already names.
srv_wanted_node() {
  local word=node
  [ "$1" != 0 ] || word=$(srv_named_node)
  printf '%s' "${S_NODE:-$word}"
}

srv_named_node() {
  local word=''
  [ ! -f "$dest" ] || word=$(sed -nE '1s/^#!.* ([^ ]+) (--no-warnings|-e .*)$/\1/p;1q' "$dest")
  printf '%s' "${word:-node}"
}

srv_look_node() {
  local node found version snapshot path
  node=$(srv_wanted_node "$1")
  # The file that is there has said it already, if it is the same Node that will run it.
  if [ -n "$told_node" ] && [ "$node" = "$(srv_named_node)" ]; then
    found=$told_node
  else
    # Old JavaScript on purpose: Node 10 has to be able to say its version.
    found=$(srv_as_cloud "$node" -e 'var v=process.config.variables.node_use_node_snapshot;process.stdout.write([process.versions.node,String(v),process.execPath].join(" "))' 2>&1 </dev/null)
  fi
  read -r version snapshot path <<<"${found##*$'\n'}"
  if ! [[ ${version:-} =~ ^[0-9]+\.[0-9]+\.[0-9]+ ]]; then
    srv_problem "user cloud has no Node.js: \"$node\" in PATH $service_path answered \"${found:0:200}\". Install Node.js $S_LEAST_NODE or newer, or name one with --node"
    return
  fi
  srv_fact node "$version"
  if srv_is_older "$version" "$S_LEAST_NODE"; then
    srv_problem "Node.js $version at ${path:-$node} is too old: $S_LEAST_NODE or newer is needed. Install one, or name one with --node"
  fi
  case $snapshot in
    false | 0) srv_warn "Node.js $version at $path was built without a snapshot (as Debian does): every call starts three times slower. Use a build of nodejs.org or NodeSource" ;;
  esac
}

# Whether version $1 is older than MAJOR.MINOR in $2.
srv_is_older() {
  local major=${1%%.*} rest=${1#*.}
  ((major < ${2%.*} || (major == ${2%.*} && ${rest%%.*} < ${2#*.})))
}

# A file that is in place has to run as well; its answer says which version it is, and on which Node.
srv_look_run() {
  local told
  [ "$current" = intact ] || return 0
  if ! told=$(srv_as_cloud "$dest" version --json 2>&1 </dev/null); then
    srv_fact broken "${told:0:200}"
    return
  fi
  if [[ $told =~ '"node": {'[^}]*'"version": "v'([0-9.]+)'"'[^}]*'"path": "'([^\"]*)'"'[^}]*'"snapshot": '(true|false) ]]; then
    told_node="${BASH_REMATCH[1]} ${BASH_REMATCH[3]} ${BASH_REMATCH[2]}"
  fi
  told=${told#*\"version\": \"}
  srv_fact version "${told%%\"*}"
}

srv_look_secrets() {
  local file mode
  [ ! -f "$etc/config.json" ] || srv_fact secret.config.json "$(srv_salted "$etc/config.json")"
  [ -d "$etc/secrets" ] || return 0
  mode=$(stat -c %a -- "$etc/secrets")
  if [ "$(stat -c %U -- "$etc/secrets")" != root ] || ((8#$mode & 8#022)); then
    srv_problem "$etc/secrets has to belong to root and be writable by nobody else (root:cloud, 0750)"
  fi
  for file in "$etc/secrets"/*; do
    [ -e "$file" ] || [ -L "$file" ] || continue
    srv_look_secret "$file"
  done
}

srv_look_secret() {
  local file=$1 mode
  if [ -L "$file" ] || [ ! -f "$file" ] || [ "$(stat -c %h -- "$file")" != 1 ]; then
    srv_problem "$file is not a plain file without links"
    return
  fi
  mode=$(stat -c %a -- "$file")
  if [ "$(stat -c %U:%G -- "$file")" != root:cloud ] || ((8#$mode & 8#027)) || ! ((8#$mode & 8#040)); then
    srv_problem "$file has to be root:cloud with mode 0640, but is $(srv_owner_mode "$file")"
  fi
  srv_fact "secret.secrets/${file##*/}" "$(srv_salted "$file")"
}

# Salted anew in every run: the hash of a short secret would otherwise give it away.
srv_salted() { { printf '%s' "$S_SALT"; cat -- "$1"; } | srv_hash; }

# Takes BYTES from the session to a file. All of them are read even when the disk is full: what is
# left in the pipe would be taken for commands.
srv_receive() {
  local size=$1 sha=$2 file=$3
  head -c "$size" | { cat >"$file"; cat >/dev/null; }
  [ "$(srv_sha "$file")" = "$sha" ] && return
  why="$file did not arrive whole ($(stat -c %s -- "$file" 2>/dev/null || echo 0) of $size bytes, or other ones): is the disk full?"
  return 1
}

srv_open_work() {
  [ -z "$work" ] || return 0
  # Readable, since user cloud tries the file out from here; it holds nothing else.
  work=$(mktemp -d "$beside/.outrigger-work-XXXXXXXX" 2>&1) || { why=$work work=''; return 1; }
  chmod 0755 "$work"
}

# registered BYTES: asks CloudStack, with credentials from the session, what it would call.
srv_registered() {
  local told code
  told=$(head -c "$1" | srv_ask_cloudstack 2>&1)
  code=$?
  srv_fact registered "$code ${told//$'\n'/ }"
}

srv_ask_cloudstack() {
  local code
  srv_as_cloud "$dest" register --check --credentials - --path "$S_DIR/$S_ENTRY" ${S_NAME:+-- "$S_NAME"}
  code=$?
  # What it has not read would be taken for commands.
  cat >/dev/null
  return "$code"
}

# stage BYTES SHA: takes the new file, and tries it out before anything is changed.
srv_stage() {
  if ! srv_open_work; then head -c "$1" >/dev/null; return 1; fi
  srv_receive "$1" "$2" "$work/$S_ENTRY" && srv_ready
}

# The version before becomes the new file.
srv_previous() {
  srv_open_work && srv_try cp -p -- "$state/previous" "$work/$S_ENTRY" && srv_ready || return
  srv_fact content "$(srv_content "$work/$S_ENTRY")"
}

srv_ready() {
  local told
  srv_try chown cloud:cloud -- "$work/$S_ENTRY" && srv_try chmod 0755 -- "$work/$S_ENTRY" || return
  if ! told=$(srv_as_cloud "$work/$S_ENTRY" version 2>&1 </dev/null); then
    why="user cloud cannot run the file from $work: ${told:0:300}"
    case $told in *'invalid option'*) why+=' (coreutils older than 8.30?)' ;; esac
    if [ "$(head -n 1 -- "$work/$S_ENTRY" | wc -c)" -gt 128 ] && srv_has_old_kernel; then
      why+=" (line 1 is longer than the 127 characters that the kernel $kernel reads: put that Node first in the PATH of CloudStack's service, instead of --node)"
    fi
    return 1
  fi
  put_sha=$(srv_sha "$work/$S_ENTRY")
  srv_save && srv_item "$dest" "$work/$S_ENTRY" "$work/old"
}

# Keeps what will be replaced, outside the tree, under the name that says why.
srv_save() {
  case $current in
    absent) return 0 ;;
    intact) saved=previous ;;
    builtin) saved=replaced ;;
    rewritten) if [ "$S_REPLACE" = 1 ]; then saved=replaced; else saved=displaced; fi ;;
    *) saved=displaced ;;
  esac
  if [ "$saved" = previous ] && [ "$(srv_sha "$dest")" = "$put_sha" ]; then saved=''; return 0; fi
  srv_open_state && srv_try cp -p -- "$dest" "$state/$saved.new"
}

srv_open_state() {
  state_open=1
  srv_try mkdir -p -- "$state" && srv_try chmod 0700 -- "$S_PREFIX/var/lib/outrigger"
}

# The file goes, or the built-in script that was there before comes back.
srv_remove() {
  removing=1
  # What an upgrade has put back is newer than our copy of it.
  case $current in rewritten | builtin) return 0 ;; esac
  srv_open_work || return
  if [ -e "$state/replaced" ]; then
    srv_try cp -p -- "$state/replaced" "$work/$S_ENTRY" && srv_item "$dest" "$work/$S_ENTRY" "$work/old"
  else
    srv_item "$dest" '' "$work/old"
  fi
}

# item DEST NEW OLD: one rename of the coming commit; NEW empty means that DEST goes.
srv_item() {
  if [ -f "$1" ]; then srv_try cp -p -- "$1" "$3" || return; fi
  t_dest+=("$1") t_new+=("$2") t_old+=("$3") t_done+=('')
}

srv_secrets() {
  srv_make "$S_PREFIX/etc" root:root 0755 && srv_make "$etc" root:root 0755 && srv_make "$etc/secrets" root:cloud 0750
}

# secret NAME BYTES SHA
srv_secret() {
  if ! srv_secrets; then head -c "$2" >/dev/null; return 1; fi
  srv_place "$etc/secrets/$1" root:cloud 0640 "$2" "$3"
}

# config BYTES SHA
srv_config() {
  if ! srv_make "$S_PREFIX/etc" root:root 0755 || ! srv_make "$etc" root:root 0755; then head -c "$1" >/dev/null; return 1; fi
  srv_place "$etc/config.json" root:root 0644 "$1" "$2"
}

# With a broken config.json every call would fail, so the file that will read it is asked first.
srv_fits() {
  local told entry=$dest finding='"name": "configuration",[^"]*"state": "([a-z]+)",[^"]*"found": "(([^"\\]|\\.)*)"'
  [ "${1##*/}" = config.json ] && [ "${1%/*}" = "$etc" ] || return 0
  srv_open_work || return
  [ -z "$put_sha" ] || entry=$work/$S_ENTRY
  srv_try cp -- "$2" "$work/config.json" && srv_try chmod 0644 -- "$work/config.json" || return
  told=$(srv_as_cloud env "OUTRIGGER_CONFIG=$work/config.json" "$entry" doctor --json 2>&1 </dev/null)
  if ! [[ $told =~ $finding ]]; then why="the config file could not be checked: ${told:0:300}"; return 1; fi
  [ "${BASH_REMATCH[1]}" = fail ] || return 0
  told=${BASH_REMATCH[2]//"$work/"/} told=${told//\\/}
  why="the config file will not do: ${told:0:500}"
  return 1
}

srv_place() {
  local file=$1 owner=$2 mode=$3 staged
  if [ -z "$etc_work" ]; then
    etc_work=$(mktemp -d "$etc/.outrigger-work-XXXXXXXX" 2>&1) || { why=$etc_work etc_work=''; head -c "$4" >/dev/null; return 1; }
  fi
  staged=$etc_work/${#t_dest[@]}
  srv_receive "$4" "$5" "$staged" && srv_fits "$file" "$staged" || return
  srv_try chown "$owner" -- "$staged" && srv_try chmod "$mode" -- "$staged" || return
  # The same as it was: not a change, and nothing to undo.
  if [ -f "$file" ] && [ ! -L "$file" ] && srv_same "$file" "$staged" && [ "$(srv_owner_mode "$file")" = "$(srv_owner_mode "$staged")" ]; then
    srv_fact unchanged "${file#"$etc/"}"
    return 0
  fi
  srv_fact changed "${file#"$etc/"}"
  srv_item "$file" "$staged" "$staged.old"
}

# make DIR OWNER MODE: makes a directory that is missing; undo takes away what was made. User cloud
# owns the tree and could put a link in its place at once: nothing here follows one.
srv_make() {
  [ ! -d "$1" ] || return 0
  srv_try mkdir -m "$3" -- "$1" || return
  made+=("$1")
  srv_fact changed "$1"
  srv_try chown -h "$2" -- "$1" && srv_label "$1"
}

srv_label() {
  if command -v restorecon >/dev/null; then restorecon -- "$1" >/dev/null 2>&1 || srv_warn "restorecon $1 failed"; fi
  return 0
}

srv_commit() {
  local k
  committed=1
  for k in "${!t_dest[@]}"; do
    if [ "${t_dest[k]}" = "$dest" ]; then srv_make "$place" cloud:cloud 0755 || return; fi
    if [ -f "${t_dest[k]}" ] && ! srv_same "${t_dest[k]}" "${t_old[k]}"; then
      why="something else has just changed ${t_dest[k]}"
      return 1
    fi
    if [ -n "${t_new[k]}" ]; then srv_try mv -fT -- "${t_new[k]}" "${t_dest[k]}"; else srv_try rm -f -- "${t_dest[k]}"; fi || return
    t_done[k]=1
    [ -z "${t_new[k]}" ] || srv_label "${t_dest[k]}"
  done
  [ -z "$put_sha" ] || [ "$(srv_sha "$dest")" = "$put_sha" ] || { why="$dest is not what was put there"; return 1; }
}

# Puts everything back that this session has changed.
srv_undo() {
  local k bad=''
  for ((k = ${#t_dest[@]} - 1; k >= 0; k--)); do
    [ -n "${t_done[k]}" ] || continue
    if [ -f "${t_old[k]}" ]; then srv_try mv -fT -- "${t_old[k]}" "${t_dest[k]}"; else srv_try rm -f -- "${t_dest[k]}"; fi ||
      bad+="${t_dest[k]}: $why; "
    [ ! -e "${t_dest[k]}" ] || srv_label "${t_dest[k]}"
    t_done[k]=''
  done
  srv_clean
  for ((k = ${#made[@]} - 1; k >= 0; k--)); do rmdir -- "${made[k]}" 2>/dev/null; done
  made=() committed=''
  [ -z "$bad" ] || { why="could not put back $bad"; return 1; }
}

# From here on there is no way back but --rollback.
srv_keep() {
  committed='' made=()
  if [ -n "$removing" ]; then
    state_open=1
    rm -f -- "$state"/installed "$state"/previous "$state"/replaced "$state"/behind
    if [ "$S_REPLACE" = 0 ]; then rmdir -- "$place" 2>/dev/null; fi
  elif [ -n "$put_sha" ]; then
    if [ -n "$saved" ]; then srv_try mv -f -- "$state/$saved.new" "$state/$saved" || srv_warn "$why"; fi
    if srv_open_state; then printf '%s\n' "$put_sha" >"$state/installed" || srv_warn "cannot write $state/installed"; fi
  fi
  srv_clean
}

# behind [HOST ...]: which servers an install went on without.
srv_behind() {
  if [ $# -eq 0 ]; then
    [ ! -e "$state/behind" ] || rm -f -- "$state/behind"
    return
  fi
  srv_open_state && printf '%s\n' "$@" >"$state/behind"
}

srv_clean() {
  [ -z "$work$etc_work" ] || rm -rf -- ${work:+"$work"} ${etc_work:+"$etc_work"}
  if [ -n "$state_open" ]; then
    rm -f -- "$state"/*.new
    # Only our own folders, and only when nothing is in them.
    (cd "$S_PREFIX/var/lib" && rmdir -p -- "outrigger/$S_DIR/$S_ENTRY") 2>/dev/null
  fi
  work='' etc_work='' state_open=''
}

srv_close() {
  if [ -n "$committed" ] || [ ${#made[@]} -gt 0 ]; then srv_undo; else srv_clean; fi
}

say() { printf '%s\n' "$*"; }
complain() { printf 'install.sh: %s\n' "$*" >&2; }

# Wrong usage. Monitoring takes 2 for "critical", so --check says 3, which it takes for "unknown".
refuse() {
  complain "$1"
  complain 'nothing was changed; see ./install.sh --help'
  if [ "$verb" = check ]; then exit 3; else exit 2; fi
}

can_read() { [ -f "$1" ] && [ -r "$1" ]; }

# What a server sent is shown, never obeyed.
visible() { printf '%s' "${1//[^[:print:]]/?}"; }

read_arguments() {
  verb=install name='' replace='' entry='' file='' node='' prefix='' config='' credentials='' force=''
  secrets_dir=''
  hosts=() allowed=() secrets=() ssh_options=()
  # First of all, since it decides the exit code of every complaint.
  local word
  for word in "$@"; do [ "$word" != --check ] || verb=check; done
  while [ $# -gt 0 ]; do
    case $1 in
      --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
    esac
    case $1 in
      --help | -h) usage; exit 0 ;;
      --check | --dry-run | --rollback | --uninstall) choose "${1#--}"; shift; continue ;;
      --force) force=1; shift; continue ;;
      --local) hosts+=(local); shift; continue ;;
      --secrets-dir) secrets_dir=1; shift; continue ;;
      --name | --replace | --entry | --file | --node | --prefix | --config | --credentials | --host | --hosts-file | --allow-down | --secret | --ssh-option | --ssh-config) ;;
      *) refuse "there is no option \"$(visible "$1")\"" ;;
    esac
    [ -n "${2:-}" ] || refuse "$1 needs a value"
    take_value "$1" "$2"
    shift 2
  done
}

choose() {
  case $verb in
    install) verb=$1 ;;
    "$1") ;;
    *) refuse "--$verb and --$1 do not go together" ;;
  esac
}

take_value() {
  case $1 in
    --name) name=$2 ;;
    --replace) replace=$2 ;;
    --entry) entry=$2 ;;
    --file) file=$2 ;;
    --node) node=$2 ;;
    --prefix) prefix=${2%/} ;;
    --config) config=$2 ;;
    --credentials) credentials=$2 ;;
    --host) add_host "$2" ;;
    --hosts-file) add_hosts_of "$2" ;;
    --allow-down) allowed+=("$2") ;;
    --secret) secrets+=("$2") ;;
    --ssh-option) ssh_options+=(-o "$2") ;;
    --ssh-config) ssh_options+=(-F "$2") ;;
  esac
}

add_host() {
  # Not a dash in front: ssh would take it for an option.
  [[ $1 =~ ^[A-Za-z0-9_][A-Za-z0-9_.@:/%+-]*$ || $1 =~ ^([A-Za-z0-9_.-]+@)?\[[0-9A-Fa-f:.]+\]$ ]] ||
    refuse "\"$(visible "$1")\" is not a host as ssh knows it"
  [ "$1" != local ] || refuse '"local" is this server: use --local'
  hosts+=("$1")
}

add_hosts_of() {
  local line
  can_read "$1" || refuse "cannot read the hosts file $1"
  while read -r line || [ -n "$line" ]; do
    read -r line <<<"${line%%[#$'\r']*}"
    [ -z "$line" ] || add_host "$line"
  done <"$1"
}

check_arguments() {
  local seen=' ' host
  [ -n "$name$replace" ] || refuse 'say which extension: --name NAME (or --replace DIR/ENTRY)'
  [ -z "$name" ] || [ -z "$replace" ] || refuse '--name and --replace do not go together'
  [ ${#hosts[@]} -gt 0 ] || refuse 'say where: --host, --hosts-file or --local'
  for host in "${hosts[@]}"; do
    [[ $seen != *" $host "* ]] || refuse "$host is named twice"
    seen+="$host "
  done
  for host in "${allowed[@]}"; do
    [[ $seen == *" $host "* ]] || refuse "--allow-down $host: that is none of the servers named"
  done
  [ ${#allowed[@]} -eq 0 ] || [ "$verb" != check ] || refuse '--check takes no --allow-down: it is to show what is behind'
  [ -z "$credentials" ] || [ "$verb" = check ] || refuse '--credentials goes with --check alone'
  [ -z "$prefix" ] || [[ $prefix == /* ]] || refuse '--prefix has to be an absolute path'
  # The kernel takes line 1 apart and env -S once more: no character may mean something to either.
  [ -z "$node" ] || [[ $node =~ ^/[A-Za-z0-9/._+-]+$ ]] || refuse '--node has to be an absolute path of letters, digits and / . _ + -'
  if [ "$verb" != install ] && [ "$verb" != dry-run ]; then
    [ -z "$config$secrets_dir${secrets[*]}" ] || refuse "--$verb places no secrets and no config"
  fi
  choose_place
}

# The directory's name as CloudStack makes it: one _ for every character (not byte) that it does not
# take, then lower case. Dropping the continuation bytes of UTF-8 leaves one byte a character.
normalised() {
  local text=${1//[$'\x80'-$'\xbf']/}
  text=${text//[^a-zA-Z0-9._-]/_}
  printf '%s' "${text,,}"
}

choose_place() {
  if [ -n "$replace" ]; then
    [[ $replace =~ ^[A-Za-z0-9_-][A-Za-z0-9._-]*/[A-Za-z0-9_-][A-Za-z0-9._-]*$ ]] ||
      refuse '--replace takes DIR/ENTRY as it is below the extensions directory, for example Proxmox/proxmox.sh'
    [ -z "$entry" ] || refuse '--replace names the entry already'
    dir=${replace%/*} entry=${replace#*/}
    return
  fi
  dir=$(normalised "$name") entry=${entry:-outrigger}
  [[ $dir != . && $dir != .. && ${#dir} -le 255 ]] || refuse "\"$(visible "$name")\" makes no directory's name"
  [[ $entry =~ ^[A-Za-z0-9_][A-Za-z0-9._-]*$ && ${#entry} -le 100 ]] || refuse '--entry has to be a bare file name of letters, digits and . _ -'
}

# The file to install, with the Node asked for in line 1; sets source, want_sha and want_content.
prepare_file() {
  local original=${file:-$here/out/outrigger} sums
  want_sha='' want_content='' size=0 source='' line_length=0
  case $verb in rollback | uninstall) return ;; esac
  if [ "$verb" = check ] && [ -z "$file" ] && [ ! -e "$original" ]; then
    say "There is no $original: the servers are compared with each other only."
    return
  fi
  can_read "$original" || refuse "cannot read $original; build it with \"node build.mjs\", or name one with --file"
  srv_is_intact "$original" ||
    refuse "$original is not as it was built: the hash stamped in it does not fit"
  sums=${original%/*}/SHA256SUMS
  if [ -r "$sums" ] && grep -q "  ${original##*/}\$" "$sums"; then
    grep -q "^$(srv_sha "$original")  ${original##*/}\$" "$sums" || refuse "$original does not fit $sums"
  fi
  source=$original
  [ -z "$node" ] || write_source "$original"
  want_sha=$(srv_sha "$source") want_content=$(srv_stamp "$source") size=$(stat -c %s -- "$source")
  line_length=$(head -n 1 -- "$source" | tr -d '\n' | wc -c)
}

write_source() {
  local first
  source=$scratch/outrigger
  IFS= read -r first <"$1"
  [[ $first == '#!'*' node '* ]] || refuse "line 1 of $1 names no node that --node could replace"
  first=${first/ node / $node }
  # Without the exit code for a file that was cut off and without paths relative to the working directory
  # the line is shorter; CloudStack starts the file by its absolute path.
  [ ${#first} -le 127 ] || first=${first/% -e p=process*/ -e require(process.argv[1])}
  [ ${#first} -le 255 ] || refuse '--node: line 1 would be longer than 255 bytes; make a link with a shorter path'
  { printf '%s\n' "$first"; tail -n +2 -- "$1"; } >"$source"
}

prepare_secrets() {
  local given path k
  for k in "${!secrets[@]}"; do
    given=${secrets[k]}
    path=${given#*=}
    [[ $given == *=* ]] || given=${path##*/}=$path
    [[ ${given%%=*} =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$ ]] || refuse "\"$(visible "${given%%=*}")\" is no name for a secret file"
    can_read "$path" || refuse "cannot read the secret file $path"
    [ "$(stat -Lc %s -- "$path")" -le 65536 ] || refuse "$path is larger than 64 KiB"
    secrets[k]=$given
  done
  [ -z "$config" ] || can_read "$config" || refuse "cannot read the config file $config"
  [ -z "$credentials" ] || prepare_credentials
}

prepare_credentials() {
  local mode
  can_read "$credentials" || refuse "cannot read the credentials file $credentials"
  mode=$(stat -Lc %a -- "$credentials")
  if ((8#$mode & 8#007)); then refuse "everybody may read $credentials, which holds the keys of the cloud: chmod 0600 it"; fi
  [ "$(stat -Lc %s -- "$credentials")" -le 65536 ] || refuse "$credentials is larger than 64 KiB"
}

prefix_of() {
  local bare=${1#ssh://}
  bare=${bare##*@} bare=${bare//\//}
  printf '%s' "${prefix//%h/$bare}"
}

agent_text() {
  local functions
  mapfile -t functions < <(compgen -A function srv_)
  printf 'S_NONCE=%q S_PREFIX=%q S_NAME=%q S_DIR=%q S_ENTRY=%q S_REPLACE=%q S_NODE=%q S_SALT=%q S_LEAST_NODE=%q S_ZEROS=%q\n' \
    "$nonce" "$(prefix_of "$1")" "$name" "$dir" "$entry" "$([ -z "$replace" ] && echo 0 || echo 1)" "$node" "$salt" "$least_node" "$S_ZEROS"
  declare -f "${functions[@]}"
  echo 'srv_main; exit'
}

# Becomes root where the login is not; understood by every login shell.
# shellcheck disable=SC2016 # it is the server that expands this
readonly start='sh -c '\''if test "$(id -u)" = 0; then exec bash -s; else exec sudo -n -- bash -s; fi'\'

run_session() {
  local host=$1 fd
  # A writer left open here would keep the other servers' sessions from ending.
  for fd in "${to[@]}" "${from[@]}"; do [ -z "$fd" ] || exec {fd}>&-; done
  if [ "$host" = local ]; then
    if [ "$EUID" = 0 ]; then exec bash -s; else exec sudo -n -- bash -s; fi
  fi
  # StrictHostKeyChecking comes first, and the first one counts: nobody can switch it off.
  local options=(-T -o StrictHostKeyChecking=yes "${ssh_options[@]}"
    -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3)
  # Without a terminal (cron, monitoring) a question would hang.
  [ -n "$terminal" ] || options+=(-o BatchMode=yes)
  exec ssh "${options[@]}" -- "$host" "$start"
}

open_session() {
  local i=$1 fd
  mkfifo "$scratch/$i.in" "$scratch/$i.out"
  run_session "${hosts[i]}" <"$scratch/$i.in" >"$scratch/$i.out" 2>"$scratch/$i.err" &
  pids[i]=$!
  exec {fd}>"$scratch/$i.in"
  to[i]=$fd
  exec {fd}<"$scratch/$i.out"
  from[i]=$fd
  agent_text "${hosts[i]}" 1>&"${to[i]}" 2>/dev/null
}

# A login shell may have greeted first; everything before our own word is skipped.
wait_ready() {
  local i=$1 line
  while read_line "$i" 120; do
    if [ "$line" = "$nonce ready" ]; then return 0; fi
  done
  why[i]="cannot be reached: $(last_words "$i")"
  return 1
}

# read_line I SECONDS: the next line of that server, into line. So long a silence ends its session.
read_line() {
  IFS= read -r -t "$2" -u "${from[$1]}" line && return
  [ $? -gt 128 ] || return 1
  printf 'no word came for %s seconds\n' "$2" >>"$scratch/$1.err"
  kill "${pids[$1]}" 2>/dev/null
  return 1
}

last_words() {
  local text
  text=$(grep -v '^ *$' "$scratch/$1.err" 2>/dev/null | tail -n 2 | tr '\n' ' ' | tr -d '\r')
  text=$(visible "${text% }")
  case $text in
    *'Host key verification failed'*) text+='. Look at its key and add it to known_hosts first (connect once with ssh)' ;;
    *'sudo: '*) text+='. Log in as root, or allow this user sudo without a password' ;;
  esac
  printf '%s' "${text:-the session ended without a word}"
}

# tell I COMMAND [FILE]: one command, and the bytes of FILE after it.
tell() {
  { printf '%s\n' "$2" && { [ -z "${3:-}" ] || cat -- "$3"; }; } 1>&"${to[$1]}" 2>/dev/null
}

# Takes the answer; the reason of a failure is then in why[I].
hear() {
  local i=$1 line
  while read_line "$i" 300; do
    line=$(visible "$line")
    case $line in
      ok) return 0 ;;
      'failed '*) why[i]=${line#failed }; return 1 ;;
      'problem '*) problems[i]+=${line#problem }$'\n' ;;
      'warn '*) warnings[i]+=${line#warn }$'\n' ;;
      'fact changed '*) changed[i]=1 ;;
      'fact '*) line=${line#fact }; fact["$i.${line%% *}"]=${line#* } ;;
    esac
  done
  why[i]="the session was lost: $(last_words "$i")"
  return 1
}

ask() { tell "$@"; hear "$1"; }

# all COMMAND I...: the same to several at once; says which ones failed in `failed`.
all() {
  local command=$1 i
  shift
  failed=()
  for i in "$@"; do tell "$i" "$command"; done
  for i in "$@"; do hear "$i" || failed+=("$i"); done
  [ ${#failed[@]} -eq 0 ]
}

close_sessions() {
  local i fd
  for i in "${!to[@]}"; do
    fd=${to[i]}
    [ -z "$fd" ] || exec {fd}>&-
    to[i]=''
  done
  for i in "${!from[@]}"; do wait_for_end "$i"; done
  [ -z "${scratch:-}" ] || rm -rf -- "$scratch"
}

# A server may still be putting something back; it gets the time for that, but not for ever.
wait_for_end() {
  local line
  while IFS= read -r -t 30 -u "${from[$1]}" line; do :; done
  kill "${pids[$1]}" 2>/dev/null
  wait "${pids[$1]}" 2>/dev/null
}

is_allowed() {
  local host
  for host in "${allowed[@]}"; do [ "$host" != "$1" ] || return 0; done
  return 1
}

shown() { if [ "${hosts[$1]}" = local ]; then printf 'this server'; else printf '%s' "${hosts[$1]}"; fi; }

# Prints what a server has to say, and whether one that may be missing is left out.
report_failure() {
  local i=$1 line
  while IFS= read -r line; do
    [ -z "$line" ] || say "  $(shown "$i"): $line"
  done <<<"${problems[i]:-}${why[i]:-}"
  problems[i]='' why[i]=''
}

# Takes a server out of the work when that was allowed.
drop_or_fail() {
  local i
  for i in "$@"; do
    unset 'active[i]'
    # In the table of --check such a server has a row of its own.
    [ "$verb" != check ] || continue
    report_failure "$i"
    if is_allowed "${hosts[i]}"; then
      say "  $(shown "$i"): left out, as --allow-down says; it has to catch up later"
      skipped+=("${hosts[i]}")
    else
      broken=1
    fi
  done
}

stop_if_broken() {
  [ -z "$broken" ] || give_up 'Nothing was changed on any server.'
  [ ${#active[@]} -gt 0 ] || give_up 'No server is left.'
}

give_up() {
  say "$1"
  exit 1
}

connect() {
  local i bad=()
  for i in "${!hosts[@]}"; do
    open_session "$i"
    # One after the other where ssh may ask for a password, all at once where it may not.
    [ -z "$terminal" ] || wait_ready "$i" || bad+=("$i")
  done
  for i in "${!hosts[@]}"; do
    [ -n "$terminal" ] || wait_ready "$i" || bad+=("$i")
    active[i]=$i
  done
  drop_or_fail "${bad[@]}"
}

# Every server is looked at before any is touched, so that all reasons come at once.
look() {
  local i bad=()
  if [ "$verb" != check ] && [ "$verb" != dry-run ]; then
    all lock "${active[@]}" || drop_or_fail "${failed[@]}"
  fi
  all "inspect $1" "${active[@]}" || drop_or_fail "${failed[@]}"
  [ "$verb" != check ] || return
  for i in "${active[@]}"; do
    plan "$i"
    [ -z "${problems[i]:-}" ] || bad+=("$i")
  done
  drop_or_fail "${bad[@]}"
}

# What has to happen on a server, as a word for its people, or a problem that stops it.
plan() {
  local i=$1
  case $verb in
    rollback) plan_rollback "$i" ;;
    uninstall) plan_uninstall "$i" ;;
    *) plan_install "$i" ;;
  esac
}

get() { printf '%s' "${fact["$1.$2"]:-}"; }
short() { printf '%s' "${1:0:12}"; }

plan_install() {
  local i=$1 state
  check_line_one "$i"
  state=$(get "$i" state)
  case $state in
    absent)
      steps[i]=new
      [ -z "$replace" ] || [ -n "$(get "$i" replaced)" ] || problems[i]+="there is no $replace to take the place of"$'\n'
      ;;
    obstacle) problems[i]+="$dir/$entry is there, but is a directory, a link or something else that is no plain file: move it away"$'\n' ;;
    foreign) problems[i]+="$dir/$entry is there and is not Outrigger: move it away, or use --replace $dir/$entry if Outrigger is to take its place"$'\n' ;;
    builtin) steps[i]='takes the place of the built-in script' ;;
    rewritten) steps[i]='replaces what something else (an upgrade of CloudStack?) has put there' ;;
    modified) steps[i]='replaces a file that was changed by hand; a copy is kept' ;;
    intact) plan_over_intact "$i" ;;
  esac
}

# A warning alone: distributions bring changes to older kernels, and the trial run decides.
check_line_one() {
  local i=$1 kernel
  kernel=$(get "$i" old_kernel)
  if [ "$line_length" -le 127 ] || [ -z "$kernel" ]; then return; fi
  warnings[i]+="line 1 of the file has $line_length characters, of which kernels before 5.1 read 127, and this one is $kernel: should the trial run fail, put that Node first in the PATH of CloudStack's service instead"$'\n'
}

plan_over_intact() {
  local i=$1
  if [ "$(get "$i" sha)" != "$want_sha" ]; then
    steps[i]="replaces $(get "$i" version) ($(short "$(get "$i" content)"))"
  elif [ "$(get "$i" owner_mode)" != 'cloud:cloud 755' ]; then
    steps[i]="mends owner and mode ($(get "$i" owner_mode))"
  else
    steps[i]=''
  fi
}

plan_rollback() {
  local i=$1
  want_sha=${want_sha:-$(get "$i" previous)}
  if [ "$(get "$i" state)" = obstacle ]; then
    problems[i]+="$dir/$entry is there, but is no plain file: move it away"$'\n'
  elif [ -z "$(get "$i" previous)" ]; then
    problems[i]+='no version before is kept there; a first install is undone with --uninstall'$'\n'
  elif [ "$(get "$i" previous)" != "$want_sha" ]; then
    problems[i]+='the version before is another one than on the servers above: install the wanted one instead'$'\n'
  else
    steps[i]="goes back from $(get "$i" version) ($(short "$(get "$i" content)"))"
  fi
}

plan_uninstall() {
  local i=$1
  case $(get "$i" state) in
    absent) [ -z "$(get "$i" installed)" ] || steps[i]='is gone already; what is remembered of it goes' ;;
    foreign | obstacle) problems[i]+="$dir/$entry is not Outrigger: left alone"$'\n' ;;
    rewritten | builtin) steps[i]='keeps the script that is there; what is remembered of Outrigger goes' ;;
    *) if [ -n "$(get "$i" replaced)" ]; then steps[i]='restores the built-in script'; else steps[i]='removes the file'; fi ;;
  esac
}

show_plan() {
  local i
  for i in "${active[@]}"; do
    say "  $(shown "$i"): ${steps[i]:-up to date}${fact["$i.node"]:+, Node.js ${fact["$i.node"]}}"
    show_warnings "$i" '    '
  done
}

# Each is shown once; those that come with the renames follow at the end.
show_warnings() {
  local i=$1 line
  while IFS= read -r line; do [ -z "$line" ] || say "$2warning: $line"; done <<<"${warnings[i]:-}"
  warnings[i]=''
}

# The servers on which the file itself has to change.
pick_work() {
  local i
  todo=()
  for i in "${active[@]}"; do [ -z "${steps[i]:-}" ] || todo+=("$i"); done
}

stage_all() {
  local i
  for i in "${todo[@]}"; do stage_one "$i" || return; done
  [ "$verb" = install ] || return 0
  for i in "${active[@]}"; do stage_etc "$i" || return; done
}

stage_one() {
  local i=$1
  touched[i]=1
  case $verb in
    install) ask "$i" "stage $size $want_sha" "$source" ;;
    rollback) ask "$i" previous ;;
    # Nothing of ours is there any more: only what is remembered goes.
    uninstall) ask "$i" remove ;;
  esac || { report_failure "$i"; return 1; }
}

stage_etc() {
  local i=$1 given path
  [ -n "$secrets_dir$config" ] || [ ${#secrets[@]} -gt 0 ] || return 0
  touched[i]=1
  if [ -n "$secrets_dir" ]; then ask "$i" secrets || { report_failure "$i"; return 1; }; fi
  for given in "${secrets[@]}"; do
    path=${given#*=}
    ask "$i" "secret ${given%%=*} $(stat -Lc %s -- "$path") $(srv_sha "$path")" "$path" || { report_failure "$i"; return 1; }
  done
  [ -z "$config" ] || ask "$i" "config $(stat -Lc %s -- "$config") $(srv_sha "$config")" "$config" || { report_failure "$i"; return 1; }
}

# Takes back what was done, on every server that was touched.
take_back() {
  local i
  for i in "${failed[@]}"; do report_failure "$i"; done
  all undo "${!touched[@]}" && give_up 'Everything was put back: every server is as it was before.'
  [ -n "$committing" ] || give_up 'Nothing was changed on any server.'
  for i in "${failed[@]}"; do report_failure "$i"; done
  say 'Some servers may not be as they were before, see above. One that lost its session puts itself'
  say 'back; look at all of them with --check, and run this again.'
  exit 3
}

commit_all() {
  committing=1
  all commit "${!touched[@]}" || take_back
  # From the first keep on there is no way back; what fails here is told, and mended by the next run.
  all keep "${!touched[@]}" && return
  for i in "${failed[@]}"; do report_failure "$i"; done
  say 'These servers may have put themselves back to the version before: run this again.'
  exit 3
}

# Ends through close_sessions; the servers then put back what they were not told to keep.
stopped() {
  complain 'stopped: every server puts itself back, unless it was at the very end; see --check'
  if [ -n "$committing" ]; then exit 3; else exit 1; fi
}

remember_behind() {
  local i host behind=("${skipped[@]}") known=" ${hosts[*]} "
  [ "$verb" = install ] || return 0
  # Those of earlier runs stay in the list until a run has reached them.
  for i in "${active[@]}"; do
    for host in $(get "$i" behind); do
      [[ $known == *" $host "* ]] || behind+=("$host")
      known+="$host "
    done
  done
  # Only servers that are up to date can tell --check about the others.
  all "behind ${behind[*]}" "${active[@]}" || say "  warning: --check will not know what was left out (${why[${failed[0]}]})"
}

change() {
  connect
  look "$size"
  stop_if_broken
  show_plan
  pick_work
  [ "$verb" != dry-run ] || { say 'Nothing was changed: this was --dry-run.'; exit 0; }
  if ! stage_all; then failed=(); take_back; fi
  if [ ${#todo[@]} -eq 0 ] && [ ${#changed[@]} -eq 0 ]; then
    [ ${#touched[@]} -eq 0 ] || all undo "${!touched[@]}"
    remember_behind
    say "Nothing to do: ${#active[@]} server(s) have it already."
    return
  fi
  [ ${#touched[@]} -eq 0 ] || commit_all
  remember_behind
  finish
}

finish() {
  local where=/usr/share/cloudstack-management/extensions/$dir/$entry i
  for i in "${active[@]}"; do show_warnings "$i" "  $(shown "$i"): "; done
  case $verb in
    install) say "Done: $where is the same on ${#active[@]} server(s), $(short "$want_content")." ;;
    rollback) say "Done: ${#todo[@]} server(s) are back at $(short "$(get "${todo[0]}" content)"); --rollback again undoes this." ;;
    uninstall) say "Done: $where is no longer Outrigger. /etc/outrigger and the log were left alone." ;;
  esac
  [ ${#skipped[@]} -eq 0 ] || say "Still to do: ${skipped[*]}. --check stays red until then."
}

check() {
  local i
  connect
  look 0
  choose_reference
  compare_secrets
  table_row SERVER STATE VERSION CONTENT NODE
  for i in "${!hosts[@]}"; do check_row "$i"; done
  check_behind
  [ -z "$credentials" ] || check_registered
  case $verdict in
    0) say 'OK: all servers are the same and in order.' ;;
    1) say 'WARNING: all servers are the same, see the warnings.' ;;
    *) say 'CRITICAL: not all servers are the same and in order.' ;;
  esac
  exit "$verdict"
}

# What every server is measured by: the local file, else the first server that is in order.
choose_reference() {
  local i
  reference=$want_content reference_sha=''
  [ -z "$node" ] || reference_sha=$want_sha
  for i in "${active[@]}"; do
    [ "$(get "$i" state)" = intact ] || continue
    reference=${reference:-$(get "$i" content)}
    if [ "$(get "$i" content)" = "$reference" ]; then reference_sha=${reference_sha:-$(get "$i" sha)}; fi
  done
}

table_row() { printf '%-28s %-12s %-10s %-13s %s\n' "$@"; }
worse() { [ "$verdict" -ge "$1" ] || verdict=$1; }

check_row() {
  local i=$1 word note line
  judge "$i"
  table_row "$(shown "$i")" "$word" "$(get "$i" version)" "$(short "$(get "$i" content)")" "$(get "$i" node)"
  [ "$word" = ok ] || worse 2
  [ -z "$note" ] || say "  $note"
  while IFS= read -r line; do [ -z "$line" ] || { say "  $line"; worse 2; }; done <<<"${problems[i]:-}"
  while IFS= read -r line; do [ -z "$line" ] || { say "  warning: $line"; worse 1; }; done <<<"${warnings[i]:-}"
}

# Sets word and note of check_row.
judge() {
  local i=$1
  word=ok note=''
  if [ -z "${active[i]:-}" ]; then word=unreachable note=${why[i]}; return; fi
  case $(get "$i" state) in
    absent) word=missing note="there is no $dir/$entry" ;;
    obstacle) word=obstacle note="$dir/$entry is no plain file" ;;
    foreign) word=foreign note="$dir/$entry is not Outrigger" ;;
    builtin) word=built-in note="$replace is the built-in script: Outrigger was not installed there" ;;
    rewritten) word=rewritten note="$dir/$entry was Outrigger and no longer is: an upgrade of CloudStack puts its own script back. Run install.sh again" ;;
    modified) word=modified note='the file is not as it was built: run install.sh again' ;;
    intact) judge_intact "$i" ;;
  esac
}

judge_intact() {
  local i=$1
  if [ -n "$want_content" ] && [ "$(get "$i" content)" != "$want_content" ]; then
    word=differs note="not the local file ($(short "$want_content"))"
  elif [ "$(get "$i" content)" != "$reference" ]; then
    word=differs note="not the same as on the first server ($(short "$reference"))"
  elif [ "$(get "$i" sha)" != "$reference_sha" ]; then
    word=differs note='line 1 names another Node than on the other servers: give all of them the same --node'
  elif [ "$(get "$i" owner_mode)" != 'cloud:cloud 755' ]; then
    word=mode note="owner and mode are $(get "$i" owner_mode), not cloud:cloud 755"
  elif [ -n "$(get "$i" broken)" ]; then
    word=broken note="user cloud cannot run it: $(get "$i" broken)"
  fi
}

# Every secret has to be on every server, with the same content.
compare_secrets() {
  local key secret i other
  local -A seen=()
  for key in "${!fact[@]}"; do
    [[ $key == *.secret.* ]] || continue
    secret=${key#*.secret.}
    [ -z "${seen["$secret"]:-}" ] || continue
    seen["$secret"]=1
    other=${fact["$key"]}
    for i in "${active[@]}"; do
      if [ -z "$(get "$i" "secret.$secret")" ]; then
        problems[i]+="/etc/outrigger/$secret is missing here, but another server has it"$'\n'
      elif [ "$(get "$i" "secret.$secret")" != "$other" ]; then
        problems[i]+="/etc/outrigger/$secret is not the same here as on ${hosts[${key%%.*}]}"$'\n'
      fi
    done
  done
}

# Servers that an install went on without, and that nobody asked about now.
check_behind() {
  local i host known=" ${hosts[*]} "
  for i in "${active[@]}"; do
    for host in $(get "$i" behind); do
      [[ $known != *" $host "* ]] || continue
      known+="$host "
      table_row "$host" behind '' '' ''
      say '  was left out of the last install (--allow-down) and was not asked now'
      worse 2
    done
  done
}

# What CloudStack would call. The first server that gets an answer counts: it is the same for all.
check_registered() {
  local i code='' word=unknown note='no server can ask it: none has a file that runs'
  for i in "${active[@]}"; do
    if [ "$(get "$i" state)" != intact ] || [ -n "$(get "$i" broken)" ]; then continue; fi
    if ask "$i" "registered $(stat -Lc %s -- "$credentials")" "$credentials"; then note=$(get "$i" registered); else note="? ${why[i]}"; fi
    code=${note%% *} note="asked on $(shown "$i"): ${note#* }"
    case $code in 0 | 3) break ;; esac
  done
  case $code in 0) word=ok note='' ;; 3) word=differs ;; esac
  table_row CloudStack "$word" '' '' ''
  [ -z "$note" ] || say "  $note"
  [ "$word" = ok ] || worse 2
}

ask_for_force() {
  say "This would remove $dir/$entry from ${#hosts[@]} server(s). CloudStack must no longer use it. Check first:"
  say "  cmk list extensions name=\"${name:-${dir}}\" details=all    # no clusters, no custom actions; or: outrigger register --remove"
  say '  cmk list virtualmachines hypervisor=External listall=true  # none of this extension left'
  say 'deleteExtension with cleanup=true deletes the whole directory by itself. Then run this with --force.'
  exit 2
}

main() {
  if ((BASH_VERSINFO[0] < 4 || (BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] < 4))); then
    complain 'bash 4.4 or newer is needed'
    exit 2
  fi
  read_arguments "$@"
  check_arguments
  scratch=$(mktemp -d) || exit 2
  # Arrays by the server's index in hosts; fact by "index.name".
  declare -gA fact=()
  to=() from=() pids=() why=() problems=() warnings=() steps=()
  active=() touched=() changed=() skipped=() todo=() failed=()
  broken='' committing='' verdict=0 reference='' reference_sha=''
  trap close_sessions EXIT
  trap stopped INT TERM HUP
  trap '' PIPE
  terminal=''
  if [ -t 0 ]; then terminal=1; fi
  prepare_file
  prepare_secrets
  [ "$verb" != uninstall ] || [ -n "$force" ] || ask_for_force
  read -r salt </proc/sys/kernel/random/uuid
  read -r nonce </proc/sys/kernel/random/uuid
  if [ "$verb" = check ]; then check; else change; fi
}

main "$@"
