#!/usr/bin/env bash
#
# Puts Outrigger into the extension's directory on every CloudStack management server: on all of them
# or on none. Run `./install.sh --help`.
#
# How it works: install.sh opens one ssh session per server, starts bash there and sends it the srv_
# functions of part 4. That bash then reads commands and answers each with `ok` or `failed REASON`. It
# holds a lock as long as the session lives, and when the session ends before the command `keep` it
# puts back what it has changed. So a cut line or a killed install.sh leaves no server half done.
#
# Parts: 1 help, 2 arguments, 3 files on this machine, 4 what runs on the servers, 5 sessions,
# 6 what install.sh says, 7 install, roll back, uninstall, 8 check, 9 main.

# No `set -e`: bash switches it off inside every condition, and most functions here run in one.
set -uo pipefail
export LC_ALL=C

readonly least_node='18.17' silence_seconds=180 largest_secret=65536
here=$(dirname -- "${BASH_SOURCE[0]}")
readonly here

# ---- 1. Help -------------------------------------------------------------------------------------

usage() {
  cat <<'HELP'
Usage: ./install.sh --name NAME [--host USER@SERVER ...] [--hosts-file FILE] [--local] [options]

Installs out/outrigger as the extension NAME on every server named, or on none of them. install.sh
checks each server first, copies the file beside the extensions directory, verifies it there and
renames it into place. Running it again changes nothing.

What to do (one of these; without any: install)
  --check            Compare all servers with each other and with the local file; changes nothing
  --dry-run          Say what an install would do; changes nothing
  --rollback         Go back to the version before, on all servers; a second time goes forward again
  --uninstall        Remove the file, or restore the built-in script; needs --force

Where
  --name NAME        The extension's name as CloudStack has it. install.sh makes the directory's name
                     from it as CloudStack does: lower case, _ for spaces and other characters
  --replace DIR/ENTRY  Instead of --name: take the place of a built-in script, for example
                     Proxmox/proxmox.sh. install.sh keeps a copy; --uninstall restores it
  --network-name NAME  Also make the link for the network extension NAME (CloudStack 4.23), whose
                     directory is made from the name as well; --uninstall removes both
  --entry FILE       Name of the file in the extension's directory (default: outrigger)
  --host HOST        A server as ssh knows it: alias, user@server or ssh://user@server:port
  --hosts-file FILE  A file with one HOST in each line; # begins a comment
  --local            This machine too, without ssh
  --prefix DIR       Put DIR before every path on the servers (images, tests); %h in it stands for
                     the server, without the user
  --allow-down HOST  Go on without HOST when it does not answer or fails its checks. --check names
                     HOST until an install has reached it

What
  --file FILE        The file to install (default: out/outrigger beside install.sh)
  --node PATH        The Node.js that runs it, the same absolute path on all servers
                     (default: the first node in the PATH of CloudStack's service)
  --secret [NAME=]FILE  Also place FILE as /etc/outrigger/secrets/NAME (root:cloud, 0640)
  --secrets-dir      Also create /etc/outrigger/secrets (root:cloud, 0750)
  --driver [NAME=]FILE  Also place FILE as /etc/outrigger/drivers/NAME (root:root, 0755): an extension
                     in any language, for the provider command
  --config FILE      Also place FILE as /etc/outrigger/config.json (root:root, 0644)
  --credentials FILE With --check: also compare with the path that CloudStack has registered. FILE
                     holds API keys (docs/registering.md). Outrigger on one server makes the call and
                     gets FILE through ssh and its standard input

How
  --ssh-option OPT   Passed to ssh as -o OPT; may be repeated
  --ssh-config FILE  Passed to ssh as -F FILE
  --force            Needed by --uninstall
  --help             This text

Each server needs sshd, bash 4.4, coreutils 8.30, util-linux, sed and grep, and a login as root or as
a user that may use sudo without a password. ssh alone asks for passwords, and ssh has to know the key
of every server: install.sh refuses an unknown one.

Exit codes
  0  done, or nothing to do
  1  refused or failed; every server is as it was before
  2  wrong usage, or a file on this machine that cannot be used; no server was asked
  3  failed, and a server may not be as it was before: the text names it
With --check, as monitoring wants it:
  0  all servers are the same and in order
  1  in order, with warnings
  2  a server differs, is not in order or does not answer
  3  wrong usage, or a file on this machine that cannot be used
HELP
}

# ---- 2. Arguments --------------------------------------------------------------------------------

say() { printf '%s\n' "$*"; }
complain() { printf 'install.sh: %s\n' "$*" >&2; }

# Ends a run that is used wrongly. Monitoring takes 2 for "critical" and 3 for "unknown".
refuse() {
  complain "$1"
  complain 'nothing was changed; see ./install.sh --help'
  if [ "$verb" = check ]; then exit 3; else exit 2; fi
}

# Text of the operator or of a server without its control characters, which a terminal would obey.
visible() { printf '%s' "${1//[^[:print:]]/?}"; }

read_arguments() {
  verb=install name='' network_name='' link_dir='' replace='' entry='' file='' node='' prefix='' config='' credentials=''
  secrets_dir='' force='' hosts=() allowed=() secrets=() drivers=() ssh_options=()
  local word
  # Before all else, since --check decides the exit code of every refusal.
  for word in "$@"; do [ "$word" != --check ] || verb=check; done
  while [ $# -gt 0 ]; do
    case $1 in --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;; esac
    case $1 in
      --help | -h) usage; exit 0 ;;
      --check | --dry-run | --rollback | --uninstall) choose "${1#--}" ;;
      --force) force=1 ;;
      --local) hosts+=(local) ;;
      --secrets-dir) secrets_dir=1 ;;
      --name | --replace | --entry | --file | --node | --prefix | --config | --credentials)
        need_value "$@"; printf -v "${1#--}" '%s' "$2"; shift ;;
      --network-name) need_value "$@"; network_name=$2; shift ;;
      --host) need_value "$@"; add_host "$2"; shift ;;
      --hosts-file) need_value "$@"; add_hosts_of "$2"; shift ;;
      --allow-down) need_value "$@"; allowed+=("$2"); shift ;;
      --secret) need_value "$@"; secrets+=("$2"); shift ;;
      --driver) need_value "$@"; drivers+=("$2"); shift ;;
      --ssh-option) need_value "$@"; ssh_options+=(-o "$2"); shift ;;
      --ssh-config) need_value "$@"; ssh_options+=(-F "$2"); shift ;;
      *) refuse "there is no option \"$(visible "$1")\"" ;;
    esac
    shift
  done
  prefix=${prefix%/}
}

need_value() { [ -n "${2:-}" ] || refuse "$1 needs a value"; }

choose() {
  [ "$verb" = install ] || [ "$verb" = "$1" ] || refuse "--$verb and --$1 do not go together"
  verb=$1
}

add_host() {
  # ssh would take a dash in front for an option.
  [[ $1 =~ ^[A-Za-z0-9_][A-Za-z0-9_.@:/%+-]*$ || $1 =~ ^([A-Za-z0-9_.-]+@)?\[[0-9A-Fa-f:.]+\]$ ]] ||
    refuse "\"$(visible "$1")\" is not a host as ssh knows it"
  [ "$1" != local ] || refuse '"local" is this machine: use --local'
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
  local named=' ' host
  [ -n "$name$replace" ] || refuse 'say which extension: --name NAME (or --replace DIR/ENTRY)'
  [ -z "$name" ] || [ -z "$replace" ] || refuse '--name and --replace do not go together'
  [ ${#hosts[@]} -gt 0 ] || refuse 'say where: --host, --hosts-file or --local'
  for host in "${hosts[@]}"; do
    [[ $named != *" $host "* ]] || refuse "$host is named twice"
    named+="$host "
  done
  for host in "${allowed[@]}"; do
    [[ $named == *" $host "* ]] || refuse "--allow-down $host: that is none of the servers named"
  done
  [ ${#allowed[@]} -eq 0 ] || [ "$verb" != check ] || refuse '--check takes no --allow-down: it reports every server'
  [ -z "$credentials" ] || [ "$verb" = check ] || refuse '--credentials goes with --check alone'
  [ -z "$prefix" ] || [[ $prefix == /* ]] || refuse '--prefix has to be an absolute path'
  # The kernel takes line 1 of the file apart, and env -S does once more.
  [ -z "$node" ] || [[ $node =~ ^/[A-Za-z0-9/._+-]+$ ]] ||
    refuse '--node has to be an absolute path of letters, digits and / . _ + -'
  case $verb in install | dry-run) installs=1 ;; *) installs='' ;; esac
  [ -n "$installs" ] || [ -z "$config$secrets_dir${secrets[*]}${drivers[*]}" ] || refuse "--$verb places no secrets, no drivers and no config"
  choose_place
  choose_link
}

# Sets link_dir: the directory of the network extension, whose file is a link to the other one.
choose_link() {
  [ -n "$network_name" ] || return 0
  [ "$verb" != rollback ] || refuse '--rollback needs no --network-name: the link leads to whatever file is there'
  link_dir=$(directory_of "$network_name")
  [[ $link_dir != . && $link_dir != .. && ${#link_dir} -le 255 ]] ||
    refuse "\"$(visible "$network_name")\" makes no directory's name"
  [ "${link_dir,,}" != "${dir,,}" ] || refuse '--network-name has the directory of --name: instances and networks have an extension each'
}

# Sets dir and entry: where the file lies below the extensions directory.
choose_place() {
  if [ -n "$replace" ]; then
    [[ $replace =~ ^[A-Za-z0-9_-][A-Za-z0-9._-]*/[A-Za-z0-9_-][A-Za-z0-9._-]*$ ]] ||
      refuse '--replace takes DIR/ENTRY as it is below the extensions directory, for example Proxmox/proxmox.sh'
    [ -z "$entry" ] || refuse '--replace names the entry already'
    dir=${replace%/*} entry=${replace#*/}
    return
  fi
  dir=$(directory_of "$name") entry=${entry:-outrigger}
  [[ $dir != . && $dir != .. && ${#dir} -le 255 ]] || refuse "\"$(visible "$name")\" makes no directory's name"
  [[ $entry =~ ^[A-Za-z0-9_][A-Za-z0-9._-]*$ && ${#entry} -le 100 ]] ||
    refuse '--entry has to be a bare file name of letters, digits and . _ -'
}

# The directory's name as CloudStack makes it: _ for every character (not byte) that it does not take,
# then lower case. Without the continuation bytes of UTF-8, one byte is left of each character.
directory_of() {
  local text=${1//[$'\x80'-$'\xbf']/}
  text=${text//[^a-zA-Z0-9._-]/_}
  printf '%s' "${text,,}"
}

# ---- 3. Files on this machine --------------------------------------------------------------------

can_read() { [ -f "$1" ] && [ -r "$1" ]; }

# Sets source, the file to send with --node in its line 1, and what the servers are compared with:
# want_sha (of the file), want_content (of all but line 1), size and line_length (of line 1).
prepare_file() {
  source=${file:-$here/out/outrigger} want_sha='' want_content='' size=0 line_length=0
  case $verb in rollback | uninstall) return ;; esac
  if [ "$verb" = check ] && [ -z "$file" ] && [ ! -e "$source" ]; then
    say "There is no $source: the servers are compared with each other only."
    return
  fi
  can_read "$source" || refuse "cannot read $source; build it with \"node build.mjs\", or name one with --file"
  srv_is_intact "$source" || refuse "$source is not as it was built: the hash stamped in it does not fit"
  check_sums "$source"
  [ -z "$node" ] || write_node "$source"
  want_sha=$(srv_sha "$source") want_content=$(srv_content "$source") size=$(stat -Lc %s -- "$source")
  line_length=$(head -n 1 -- "$source" | tr -d '\n' | wc -c)
}

check_sums() {
  local sums base=${1##*/}
  sums=$(dirname -- "$1")/SHA256SUMS
  [ -r "$sums" ] && grep -q "  $base\$" "$sums" || return 0
  grep -q "^$(srv_sha "$1")  $base\$" "$sums" || refuse "$1 does not fit $sums"
}

# Makes source a copy of $1 whose line 1 names another interpreter and is the same for the rest.
write_node() {
  local first
  IFS= read -r first <"$1"
  [[ $first == '#!'*' node '* ]] || refuse "line 1 of $1 names no node that --node could replace"
  first=${first/ node / $node }
  # Without the exit code for a file that was cut off and without paths relative to the working directory
  # the line is shorter; CloudStack starts the file by its absolute path.
  [ ${#first} -le 127 ] || first=${first/% -e p=process*/ -e require(process.argv[1])}
  [ ${#first} -le 255 ] || refuse '--node: line 1 would be longer than 255 bytes; make a link with a shorter path'
  source=$scratch/outrigger
  { printf '%s\n' "$first"; tail -n +2 -- "$1"; } >"$source"
}

# Checks the files of --secret, --config and --credentials, and completes `--secret FILE` to NAME=FILE.
prepare_secrets() {
  local given k
  for k in "${!secrets[@]}"; do
    given=${secrets[k]}
    [[ $given == *=* ]] || given=${given##*/}=$given
    [[ ${given%%=*} =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$ ]] ||
      refuse "\"$(visible "${given%%=*}")\" is no name for a secret file"
    check_small 'secret file' "${given#*=}"
    secrets[k]=$given
  done
  prepare_drivers
  [ -z "$config" ] || check_small 'config file' "$config"
  [ -n "$credentials" ] || return 0
  check_small 'credentials file' "$credentials"
  if srv_allows "$credentials" 007; then
    refuse "every user of this machine may read $credentials, which holds API keys: chmod 0600 it"
  fi
}

# A driver without a first line such as #!/bin/bash would be started by no server.
prepare_drivers() {
  local given k begin
  for k in "${!drivers[@]}"; do
    given=${drivers[k]}
    [[ $given == *=* ]] || given=${given##*/}=$given
    [[ ${given%%=*} =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$ ]] ||
      refuse "\"$(visible "${given%%=*}")\" is no name for a driver"
    can_read "${given#*=}" || refuse "cannot read the driver ${given#*=}"
    begin=$(head -c 4 -- "${given#*=}" | tr -d '\0')
    [[ $begin == '#!'* ]] || [[ $begin == $'\x7fELF' ]] ||
      refuse "the driver ${given#*=} is no program: its first line has to be such as #!/bin/bash"
    drivers[k]=$given
  done
}

check_small() {
  can_read "$2" || refuse "cannot read the $1 $2"
  [ "$(stat -Lc %s -- "$2")" -le "$largest_secret" ] || refuse "$2 is larger than 64 KiB"
}

# ---- 4. What runs on the servers -----------------------------------------------------------------
#
# session_script sends these functions as text. They may use only each other and the variables that
# it sends with them. Each command (inspect, put, remove, link, unlink, secrets_dir, commit, undo, keep, behind,
# registered) is the function srv_ with that name.

# Answers commands until the session ends. Each is a line `BYTES COMMAND ARGUMENT ...`, after which so
# many bytes of payload follow.
srv_main() {
  local words why
  # Only the end of its input or SIGTERM ends this process, and it puts everything back first.
  trap '' HUP PIPE INT
  trap 'exit 1' TERM
  trap srv_undo EXIT
  umask 022
  LC_ALL=C
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:${PATH:-}
  cd / || exit 1
  # Only srv_answer writes to the session; what the tools print goes to standard error.
  exec 3>&1 1>&2
  srv_set_paths
  # A line can be cut without a word to this end; half an hour of silence counts as its end.
  while IFS=' ' read -r -t 1800 -a words; do
    why=''
    {
      if "srv_${words[1]}" "${words[@]:2}"; then srv_answer ok; else srv_answer "failed $why"; fi
      # The next `read` would take the rest of a payload for commands.
      cat >/dev/null
    } < <(head -c "${words[0]}")
  done
}

# The nonce of the run tells an answer from what a login shell prints.
srv_answer() { printf '%s\n' "$nonce ${*//$'\n'/; }" >&3; }
srv_fact() { srv_answer "fact $1 $2"; }
srv_problem() { srv_answer "problem $*"; }
srv_warn() { srv_answer "warning $*"; }

# Runs a command; what it printed becomes the reason of a failure.
srv_try() { why=$("$@" 2>&1 3>&-) || { why=${why:-"$1 failed"}; return 1; }; }

srv_set_paths() {
  local target hops=0
  tree=$root/usr/share/cloudstack-management/extensions
  # CloudStack's packages make a link there. An absolute one means a place below the prefix.
  while [ -L "$tree" ] && ((hops++ < 8)); do
    target=$(readlink -- "$tree")
    case $target in /*) tree=$root$target ;; *) tree=${tree%/*}/$target ;; esac
  done
  # On the file system of the tree, since only there a rename is one step, but outside of it:
  # CloudStack may compare every file in the tree between its servers.
  beside=${tree%/*}
  place=$tree/$dir dest=$tree/$dir/$entry
  link_place=$tree/$link_dir link=$tree/$link_dir/$entry leads_to=../$dir/$entry
  state=$root/var/lib/outrigger/$dir/$entry
  etc=$root/etc/outrigger
  service_path=$(srv_service_path)
  home=$(getent passwd cloud | cut -d: -f6)
  # Of the changes: the work folders, what was staged and how far it is.
  work='' etc_work='' state_open='' saved='' put_sha='' removing=''
  made=() t_dest=() t_new=() t_old=() t_done=()
}

# The PATH in which CloudStack starts extensions: that of its service, which no login shell has set.
srv_service_path() {
  local pid path='' defaults=$root/etc/default/cloudstack-management
  if [ -z "$root" ]; then
    pid=$(systemctl show -p MainPID --value cloudstack-management 2>/dev/null)
    [ "${pid:-0}" = 0 ] || path=$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^PATH=//p')
  fi
  [ -n "$path" ] || [ ! -r "$defaults" ] || path=$(sed -n 's/^PATH=//p' "$defaults" | tail -n 1 | tr -d "\"'")
  printf '%s' "${path:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"
}

# Runs a command as CloudStack would: as its user, with its PATH and no other environment. The command
# can neither answer in the name of this process (3) nor keep its lock (9).
srv_as_cloud() {
  timeout -k 2 20 runuser -u cloud -- env -i "PATH=$service_path" "HOME=$home" LANG=C "$@" 3>&- 9>&-
}

srv_hash() { sha256sum | cut -c1-64; }
srv_sha() { srv_hash <"$1"; }
srv_same() { [ "$(srv_sha "$1")" = "$(srv_sha "$2")" ]; }
srv_owner_mode() { stat -c '%U:%G %a' -- "$1" 2>/dev/null; }

# Whether a file or directory has one of these permission bits.
srv_allows() { ((8#$(stat -Lc %a -- "$1") & 8#$2)); }

# The hash that the build stamps: of everything after line 1, with the stamp zeroed.
srv_content() {
  local zeros
  printf -v zeros '%064d' 0
  sed -E "1d;0,/sha256:[0-9a-f]{64}/s//sha256:$zeros/" -- "$1" | srv_hash
}

srv_is_intact() {
  local stamp
  stamp=$(grep -aoEm1 'sha256:[0-9a-f]{64}' -- "$1")
  [ "sha256:$(srv_content "$1")" = "${stamp%%$'\n'*}" ]
}

# Whether version $1 is older than version $2.
srv_is_older() { ! printf '%s\n' "$2" "$1" | sort -VC; }

# inspect: tells what lies on this server and which problems stand in the way. Unless the run only
# reads, it first takes the lock that this session then holds.
srv_inspect() {
  case $verb in check | dry-run) ;; *) srv_lock || return ;; esac
  srv_inspect_file
  srv_inspect_tree
  srv_inspect_names
  [ -z "$link_dir" ] || srv_inspect_link
  [ -z "$installs" ] || srv_inspect_room
  if [ -n "$home" ]; then
    srv_inspect_node
  else
    srv_problem 'there is no user cloud: is cloudstack-management installed?'
  fi
  srv_inspect_secrets
  return 0
}

srv_lock() {
  # The lock is on the directory itself: a lock file would have to be left behind.
  [ -d "$tree" ] || return 0
  exec 9<"$tree"
  why=$(flock -n 9 2>&1 3>&-) || { why=${why:-'another install.sh is at work there; try again when it is done'}; return 1; }
  # A session that lost its server, to a power cut for instance, has left these.
  rm -rf -- "$beside"/.outrigger-work-* "$etc"/.outrigger-work-*
}

srv_inspect_file() {
  local word told
  current=$(srv_state)
  srv_fact state "$current"
  case $current in absent | obstacle) ;; *)
    srv_fact sha "$(srv_sha "$dest")"
    srv_fact content "$(srv_content "$dest")"
    srv_fact owner_mode "$(srv_owner_mode "$dest")" ;;
  esac
  for word in installed previous replaced; do
    [ ! -e "$state/$word" ] || srv_fact "$word" "$(srv_sha "$state/$word")"
  done
  [ ! -r "$state/behind" ] || srv_fact behind "$(tr '\n' ' ' <"$state/behind")"
  [ "$current" = intact ] && [ -n "$home" ] || return 0
  if told=$(srv_as_cloud "$dest" version --json 2>&1); then
    told=${told#*\"version\": \"}
    srv_fact version "${told%%\"*}"
  else
    srv_fact broken "${told:0:200}"
  fi
}

# What lies at the destination, in one word.
srv_state() {
  if [ -L "$dest" ] || { [ -e "$dest" ] && [ ! -f "$dest" ]; }; then echo obstacle
  elif [ ! -e "$dest" ]; then echo absent
  elif srv_is_intact "$dest"; then echo intact
  elif grep -aq 'Outrigger needs Node\.js' "$dest"; then echo modified
  elif [ -e "$state/installed" ]; then echo rewritten
  elif [ -n "$replace" ]; then echo builtin
  else echo foreign
  fi
}

srv_inspect_tree() {
  local path
  if [ ! -d "$tree" ]; then
    srv_problem "$tree is not a directory: is cloudstack-management installed?"
    return
  fi
  if [ "$(stat -c %d -- "$tree")" != "$(stat -c %d -- "$beside")" ]; then
    srv_problem "$tree is a file system of its own, so that no file beside it can be renamed into it in one step: mount $beside instead"
  fi
  if [ ! -w "$tree" ] || [ ! -w "$beside" ]; then
    srv_problem "$(id -un) may not write in $tree and $beside (read-only?)"
  fi
  if [ -L "$place" ] || { [ -e "$place" ] && [ ! -d "$place" ]; }; then
    srv_problem "$place is not a plain directory"
  fi
  for path in "$tree" "$place"; do
    if [ -d "$path" ] && [ ! -L "$path" ] && srv_allows "$path" 002; then
      srv_problem "every user may write in $path (mode $(stat -c %a -- "$path")): chmod o-w it"
    fi
  done
  # The directory of a built-in extension holds more than its script.
  [ -z "$replace" ] || return 0
  for path in "$place"/* "$place"/.[!.]*; do
    [ "$path" = "$dest" ] || [ ! -e "$path" ] || srv_warn "$path does not belong there: only $entry does"
  done
}

# The second way to the file: CloudStack follows the link and looks at what it leads to.
srv_inspect_link() {
  if [ -L "$link_place" ] || { [ -e "$link_place" ] && [ ! -d "$link_place" ]; }; then
    srv_problem "$link_place is not a plain directory"
  elif [ -d "$link_place" ] && srv_allows "$link_place" 002; then
    srv_problem "every user may write in $link_place (mode $(stat -c %a -- "$link_place")): chmod o-w it"
  fi
  if [ -L "$link" ] && [ "$(readlink -- "$link")" = "$leads_to" ]; then srv_fact link ok
  elif [ -e "$link" ] || [ -L "$link" ]; then srv_fact link other
  else srv_fact link missing
  fi
}

# link: stages the link, unless it is there; unlink stages that it goes.
srv_link() {
  [ ! -L "$link" ] || return 0
  srv_fact changed link
  srv_open_work && srv_try ln -s -- "$leads_to" "$work/link" && srv_try chown -h cloud:cloud -- "$work/link" &&
    srv_stage "$link" "$work/link" "$work/link.old"
}

srv_unlink() {
  [ -L "$link" ] || return 0
  srv_fact changed link
  srv_open_work && srv_stage "$link" '' "$work/link.old"
}

# CloudStack takes two names that differ in case only for one, while the file system keeps them apart.
srv_inspect_names() {
  local path other
  for path in "$tree"/*/; do
    other=${path%/} other=${other##*/}
    if [ "${other,,}" != "${dir,,}" ] || [ "$other" = "$dir" ]; then continue; fi
    srv_fact namesake "$other"
    [ ! -e "$root/var/lib/outrigger/$other" ] || srv_fact taken "$(srv_taken_place "$other")"
    if [ -n "$installs" ] && [ -z "$replace" ] && [ "$current" = absent ]; then
      srv_problem "$tree/$other differs from $dir in case only, and CloudStack takes the two names for one: use another --name, or --replace $other/ENTRY to take the place of its script"
    elif [ -z "$replace" ]; then
      srv_warn "$tree/$other differs from $dir in case only, and CloudStack takes the two names for one"
    fi
  done
}

# The DIR/ENTRY below DIR where Outrigger has taken the place of a script.
srv_taken_place() {
  local kept
  for kept in "$root/var/lib/outrigger/$1"/*/replaced; do
    [ -e "$kept" ] || continue
    kept=${kept%/replaced}
    printf '%s/%s' "$1" "${kept##*/}"
    return
  done
}

# Every place needs room for the new file, a copy of the old one, and the copy that is kept.
srv_inspect_room() {
  local near=$state folder free need=$((size * 3 + 65536))
  [ -d "$beside" ] || return 0
  until [ -d "${near:-/}" ]; do near=${near%/*}; done
  for folder in "$beside" "${near:-/}"; do
    free=$(df -B1 --output=avail -- "$folder" | tail -n 1)
    ((free >= need)) || srv_problem "$folder has $((free / 1024)) KiB free, the install needs $((need / 1024)) KiB"
  done
}

srv_inspect_node() {
  local wanted=$node told version snapshot path reason
  # Without an install, the Node that counts is the one in line 1 of the file that is there.
  [ -n "$wanted$installs" ] || wanted=$(sed -nE '1s/^#!.* ([^ ]+) (--no-warnings|-e .*)$/\1/p;1q' "$dest" 2>/dev/null)
  wanted=${wanted:-node}
  # Old JavaScript, so that Node 10 can tell its version as well.
  told=$(srv_as_cloud "$wanted" -e 'var v=process.config.variables.node_use_node_snapshot;process.stdout.write([process.versions.node,String(v),process.execPath].join(" "))' 2>&1)
  read -r version snapshot path <<<"${told##*$'\n'}"
  if ! [[ ${version:-} =~ ^[0-9]+\.[0-9]+\.[0-9]+ ]]; then
    srv_problem "user cloud has no Node.js: \"$wanted\" in PATH $service_path answered \"${told:0:200}\". Install Node.js $least_node or newer, or name one with --node"
    return
  fi
  srv_fact node "$version"
  if srv_is_older "$version" "$least_node"; then
    srv_problem "Node.js $version at ${path:-$wanted} is too old: $least_node or newer is needed. Install one, or name one with --node"
  fi
  case $snapshot in
    false | 0) srv_warn "Node.js $version at $path was built without a snapshot (as Debian does): every call starts three times slower. Use a build of nodejs.org or NodeSource" ;;
  esac
  if [ -n "$installs" ] && reason=$(srv_line_too_long); then srv_warn "$reason"; fi
}

# Prints why the kernel may not start the file. Only a warning: distributions bring newer features to
# older kernels, and the trial run decides. An image that is being built has no kernel.
srv_line_too_long() {
  local kernel
  kernel=$(cat "$root/proc/sys/kernel/osrelease" 2>/dev/null)
  [ "$line_length" -gt 127 ] && [ -n "$kernel" ] && srv_is_older "$kernel" 5.1 || return
  printf '%s' "line 1 of the file has $line_length characters, of which the kernel $kernel reads 127: if user cloud cannot run the file, put that Node first in the PATH of CloudStack's service instead of --node"
}

srv_inspect_secrets() {
  local file
  [ ! -f "$etc/config.json" ] || srv_fact secret.config.json "$(srv_salted "$etc/config.json")"
  srv_inspect_drivers
  [ -d "$etc/secrets" ] || return 0
  srv_fact secrets_dir there
  if [ "$(stat -c %U -- "$etc/secrets")" != root ] || srv_allows "$etc/secrets" 022; then
    srv_problem "$etc/secrets has to belong to root, and no other user may write in it (root:cloud, 0750)"
  fi
  for file in "$etc/secrets"/*; do
    if [ ! -e "$file" ] && [ ! -L "$file" ]; then continue; fi
    if [ -L "$file" ] || [ ! -f "$file" ] || [ "$(stat -c %h -- "$file")" != 1 ]; then
      srv_problem "$file is not a plain file without links"
      continue
    fi
    if [ "$(stat -c %U:%G -- "$file")" != root:cloud ] || srv_allows "$file" 027 || ! srv_allows "$file" 040; then
      srv_problem "$file has to be root:cloud with mode 0640, but is $(srv_owner_mode "$file")"
    fi
    srv_fact "secret.secrets/${file##*/}" "$(srv_salted "$file")"
  done
}

# Outrigger runs no driver that another user than root could have written.
srv_inspect_drivers() {
  local file
  [ -d "$etc/drivers" ] || return 0
  if [ "$(stat -c %U -- "$etc/drivers")" != root ] || srv_allows "$etc/drivers" 022; then
    srv_problem "$etc/drivers has to belong to root, and no other user may write in it (root:root, 0755)"
  fi
  for file in "$etc/drivers"/*; do
    if [ ! -f "$file" ]; then continue; fi
    if [ "$(stat -Lc %U -- "$file")" != root ] || srv_allows "$file" 022 || ! srv_allows "$file" 001; then
      srv_problem "$file has to be root:root with mode 0755, but is $(srv_owner_mode "$file")"
    fi
    srv_fact "secret.drivers/${file##*/}" "$(srv_salted "$file")"
  done
}

# A hash with the salt of this run: the plain hash of a short secret would give the secret away.
srv_salted() { { printf '%s' "$salt"; cat -- "$1"; } | srv_hash; }

# put WHAT [SHA]: takes the payload as the new entry, config.json, secrets/NAME or drivers/NAME; `previous` takes the
# entry that was kept. It tries the new file out and stages it, unless the same is in place already.
srv_put() {
  local what=$1 file=$etc/$1 owner=root:cloud mode=0640 new
  case $what in
    entry | previous) file=$dest owner=cloud:cloud mode=0755 ;;
    config.json) owner=root:root mode=0644 ;;
    drivers/*) owner=root:root mode=0755 ;;
  esac
  if [ "$file" = "$dest" ]; then
    srv_open_work || return
    new=$work/$entry
  else
    srv_make "$etc" root:root 0755 && srv_open etc_work "$etc" || return
    new=$etc_work/${#t_dest[@]}
  fi
  if [ "$what" = previous ]; then srv_try cp -p -- "$state/previous" "$new"; else srv_receive "$new" "$2"; fi || return
  srv_try chown "$owner" -- "$new" && srv_try chmod "$mode" -- "$new" || return
  case $what in
    entry | previous) srv_try_entry "$new" && srv_save ;;
    config.json) srv_try_config "$new" ;;
    drivers/*) srv_make "$etc/drivers" root:root 0755 ;;
    *) srv_secrets_dir ;;
  esac || return
  if [ -f "$file" ] && [ ! -L "$file" ] && srv_same "$new" "$file" &&
    [ "$(srv_owner_mode "$new")" = "$(srv_owner_mode "$file")" ]; then return 0; fi
  [ "$file" = "$dest" ] || srv_fact changed "$what"
  srv_stage "$file" "$new" "$new.old"
}

# A folder that user cloud can read, since he tries new files out there; it holds no secret.
srv_open_work() { srv_open work "$beside" && chmod 0755 -- "$work"; }

# secrets_dir: makes the directory of the secrets.
srv_secrets_dir() { srv_make "$etc" root:root 0755 && srv_make "$etc/secrets" root:cloud 0750; }

# open VARIABLE PARENT: a folder of this session for root alone, on the file system of PARENT.
srv_open() {
  local -n folder=$1
  [ -z "$folder" ] || return 0
  folder=$(mktemp -d -- "$2/.outrigger-work-XXXXXXXX" 2>&1) || { why=$folder folder=''; return 1; }
}

# make DIR OWNER MODE: makes a directory that is missing; srv_undo removes it again. User cloud owns
# the tree and may put a link in its place at any moment, so nothing here follows one.
srv_make() {
  [ ! -d "$1" ] || return 0
  srv_try mkdir -m "$3" -- "$1" || return
  made+=("$1")
  srv_fact changed "$1"
  srv_try chown -h "$2" -- "$1" && srv_label "$1"
}

srv_receive() {
  cat >"$1"
  [ "$(srv_sha "$1")" = "$2" ] && return
  why="$1 did not arrive whole ($(stat -c %s -- "$1" 2>/dev/null) of ${words[0]} bytes, or other ones): is the disk full?"
  return 1
}

# Has user cloud run the new file once.
srv_try_entry() {
  local told reason
  if ! told=$(srv_as_cloud "$1" version 2>&1); then
    why="user cloud cannot run the file from $work: ${told:0:300}"
    if reason=$(srv_line_too_long); then why+=" ($reason)"; fi
    return 1
  fi
  put_sha=$(srv_sha "$1")
  srv_fact content "$(srv_content "$1")"
}

# Copies what will be replaced to the state directory, under the name that says what it was.
srv_save() {
  case $current in
    absent) return 0 ;;
    intact) if [ "$(srv_sha "$dest")" = "$put_sha" ]; then return 0; fi; saved=previous ;;
    builtin) saved=replaced ;;
    rewritten) if [ -n "$replace" ]; then saved=replaced; else saved=displaced; fi ;;
    *) saved=displaced ;;
  esac
  srv_open_state && srv_try cp -p -- "$dest" "$state/$saved.new"
}

srv_open_state() {
  state_open=1
  srv_try mkdir -p -- "$state" && srv_try chmod 0700 -- "$root/var/lib/outrigger"
}

# A broken config.json would make every call fail, so the file that will read it is asked first.
srv_try_config() {
  local told file=$dest finding='"name": "configuration",[^"]*"state": "([a-z]+)",[^"]*"found": "(([^"\\]|\\.)*)"'
  srv_open_work || return
  [ -z "$put_sha" ] || file=$work/$entry
  srv_try cp -- "$1" "$work/config.json" && srv_try chmod 0644 -- "$work/config.json" || return
  told=$(srv_as_cloud env "OUTRIGGER_CONFIG=$work/config.json" "$file" doctor --json 2>&1)
  if ! [[ $told =~ $finding ]]; then why="Outrigger could not check the config file: ${told:0:300}"; return 1; fi
  [ "${BASH_REMATCH[1]}" = fail ] || return 0
  told=${BASH_REMATCH[2]//"$work/"/} told=${told//\\/}
  why="Outrigger refuses the config file: ${told:0:500}"
  return 1
}

# remove: stages that the file goes, or that the built-in script comes back.
srv_remove() {
  removing=1
  # What an upgrade of CloudStack has put there is newer than the copy that was kept.
  case $current in rewritten | builtin) return 0 ;; esac
  srv_open_work || return
  if [ -e "$state/replaced" ]; then
    srv_try cp -p -- "$state/replaced" "$work/$entry" && srv_stage "$dest" "$work/$entry" "$work/old"
  else
    srv_stage "$dest" '' "$work/old"
  fi
}

# stage DEST NEW OLD: one rename of the coming commit; without NEW, DEST goes. OLD is a copy for undo.
srv_stage() {
  if [ -f "$1" ] || [ -L "$1" ]; then srv_try cp -pP -- "$1" "$3" || return; fi
  t_dest+=("$1") t_new+=("$2") t_old+=("$3") t_done+=('')
}

# commit: does all that was staged; srv_undo takes it back until `keep`.
srv_commit() {
  local k
  for k in "${!t_dest[@]}"; do
    if [ "${t_dest[k]}" = "$dest" ]; then srv_make "$place" cloud:cloud 0755 || return; fi
    if [ "${t_dest[k]}" = "$link" ] && [ -n "${t_new[k]}" ]; then srv_make "$link_place" cloud:cloud 0755 || return; fi
    if [ -f "${t_dest[k]}" ] && [ ! -L "${t_dest[k]}" ] && ! srv_same "${t_dest[k]}" "${t_old[k]}"; then
      why="another program has just changed ${t_dest[k]}"
      return 1
    fi
    # Before the rename, so that SIGTERM right after it cannot leave it in place.
    t_done[k]=1
    srv_swap "${t_new[k]}" "${t_dest[k]}" || { t_done[k]=''; return 1; }
  done
}

# swap FROM TO: renames FROM over TO; without FROM, TO goes.
srv_swap() {
  if [ -z "$1" ]; then srv_try rm -f -- "$2"; return; fi
  srv_try mv -fT -- "$1" "$2" && srv_label "$2"
}

srv_label() {
  if command -v restorecon >/dev/null; then restorecon -- "$1" >/dev/null 2>&1 || srv_warn "restorecon $1 failed"; fi
}

# undo: puts back everything that this session has changed and not kept, and removes its folders.
srv_undo() {
  local k old bad=''
  for ((k = ${#t_dest[@]} - 1; k >= 0; k--)); do
    [ -n "${t_done[k]}" ] || continue
    old=${t_old[k]}
    [ -f "$old" ] || [ -L "$old" ] || old=''
    srv_swap "$old" "${t_dest[k]}" || bad+="${t_dest[k]}: $why; "
    t_done[k]=''
  done
  srv_clean
  for ((k = ${#made[@]} - 1; k >= 0; k--)); do rmdir -- "${made[k]}" 2>/dev/null; done
  made=()
  [ -z "$bad" ] || { why="could not put back $bad"; return 1; }
}

# keep: makes the changes final. Only --rollback goes back from here.
srv_keep() {
  t_dest=() made=()
  if [ -n "$removing" ]; then
    state_open=1
    rm -f -- "$state"/installed "$state"/previous "$state"/replaced "$state"/behind
    [ -n "$replace" ] || rmdir -- "$place" 2>/dev/null
    [ -z "$link_dir" ] || rmdir -- "$link_place" 2>/dev/null
  elif [ -n "$put_sha" ]; then
    [ -z "$saved" ] || srv_try mv -f -- "$state/$saved.new" "$state/$saved" || srv_warn "$why"
    if srv_open_state; then printf '%s\n' "$put_sha" >"$state/installed" || srv_warn "cannot write $state/installed"; fi
  fi
  srv_clean
}

# behind [HOST ...]: notes which servers an install went on without.
srv_behind() {
  if [ $# -gt 0 ]; then srv_open_state && printf '%s\n' "$@" >"$state/behind"; else rm -f -- "$state/behind"; fi
}

srv_clean() {
  rm -rf -- ${work:+"$work"} ${etc_work:+"$etc_work"}
  if [ -n "$state_open" ]; then
    rm -f -- "$state"/*.new
    # Folders that are not empty, or not ours, stay.
    (cd "$root/var/lib" && rmdir -p -- "outrigger/$dir/$entry") 2>/dev/null
  fi
  work='' etc_work='' state_open=''
}

# registered: has the file ask CloudStack, with the payload as credentials, what CloudStack would call.
srv_registered() {
  local told code
  told=$(srv_as_cloud "$dest" register --check --credentials - --path "$dir/$entry" ${name:+-- "$name"} 2>&1)
  code=$?
  srv_fact registered "$code ${told//$'\n'/ }"
}

# ---- 5. Sessions ---------------------------------------------------------------------------------
#
# Of server I (its index in hosts): pids[I] its ssh, to[I] and from[I] the descriptors of its session,
# fact["I.NAME"] what it told, problems[I] and warnings[I] lines of text.

# Starts bash as root; every login shell understands it.
# shellcheck disable=SC2016 # The server is to expand this.
readonly start='sh -c '\''if test "$(id -u)" = 0; then exec bash -s; else exec sudo -n -- bash -s; fi'\'

# What is sent to the bash on a server before the first command.
session_script() {
  local root=${1#ssh://}
  root=${root##*@} root=${root//\//}
  root=${prefix//%h/$root}
  declare -p nonce root verb installs name dir entry link_dir replace node salt size line_length least_node
  # shellcheck disable=SC2046 # One word per function.
  declare -f $(compgen -A function srv_)
  echo 'srv_main; exit'
}

# Becomes ssh, or a bash on this machine.
run_session() {
  local host=$1
  [ "$host" != local ] || exec sh -c "$start"
  # ssh takes the first value of an option, so no --ssh-option can switch this one off.
  local options=(-T -o StrictHostKeyChecking=yes "${ssh_options[@]}"
    -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3)
  # Without a terminal (cron, monitoring), ssh would wait for an answer for ever.
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
  session_script "${hosts[i]}" 1>&"${to[i]}" 2>/dev/null
}

# Sets line. Ends the session of a server that is silent for too long.
read_line() {
  IFS= read -r -t "$silence_seconds" -u "${from[$1]}" line && return
  [ $? -gt 128 ] || return 1
  printf 'the server sent nothing for %s seconds\n' "$silence_seconds" >>"$scratch/$1.err"
  kill "${pids[$1]}" 2>/dev/null
  return 1
}

# The end of what ssh or the server printed to standard error, with advice where that is known.
last_words() {
  local text
  text=$(grep -v '^ *$' "$scratch/$1.err" 2>/dev/null | tail -n 2 | tr '\n' ' ' | tr -d '\r')
  text=$(visible "${text% }")
  case $text in
    *'Host key verification failed'*) text+='. Look at its key and add it to known_hosts first (connect once with ssh)' ;;
    *'sudo: '*) text+='. Log in as root, or allow this user sudo without a password' ;;
  esac
  printf '%s' "${text:-the session ended without a message}"
}

# tell I FILE COMMAND: sends a command and FILE, or nothing, as its payload.
tell() {
  local bytes=0
  [ -z "$2" ] || bytes=$(stat -Lc %s -- "$2")
  { printf '%s\n' "$bytes $3" && { [ -z "$2" ] || cat -- "$2"; }; } 1>&"${to[$1]}" 2>/dev/null
}

# Reads the answer to one command, and notes what it tells.
hear() {
  local i=$1 line
  while read_line "$i"; do
    [[ $line == "$nonce "* ]] || continue
    line=$(visible "${line#* }")
    case $line in
      ok) return 0 ;;
      'failed '*) problem "$i" "${line#failed }"; return 1 ;;
      'problem '*) problem "$i" "${line#problem }" ;;
      'warning '*) warnings[i]+=${line#warning }$'\n' ;;
      'fact changed '*) changed=1 ;;
      'fact '*) line=${line#fact }; fact["$i.${line%% *}"]=${line#* } ;;
    esac
  done
  if [ -n "$(get "$i" state)" ]; then line='the session was lost'; else line='cannot be reached'; fi
  problem "$i" "$line: $(last_words "$i")"
  return 1
}

# ask I FILE COMMAND: one command to one server.
ask() { tell "$@"; hear "$1"; }

# One command to all servers of the run at the same time.
all() {
  local i result=0
  for i in "${active[@]}"; do tell "$i" '' "$1"; done
  for i in "${active[@]}"; do hear "$i" || result=1; done
  return "$result"
}

# Opens all sessions and has the servers inspected; active are those that have answered. Where ssh may
# ask for a password, it does so for one server after the other.
connect() {
  local i
  for i in "${!hosts[@]}"; do
    active[i]=$i
    open_session "$i"
    tell "$i" '' inspect
    [ -z "$terminal" ] || hear "$i" || unset 'active[i]'
  done
  [ -z "$terminal" ] || return 0
  for i in "${!hosts[@]}"; do hear "$i" || unset 'active[i]'; done
}

# Ends all sessions and waits while servers put something back: half a minute for each line.
close_sessions() {
  local i fd line
  for fd in "${to[@]}"; do exec {fd}>&-; done
  for i in "${!from[@]}"; do
    while IFS= read -r -t 30 -u "${from[i]}" line; do :; done
    kill "${pids[i]}" 2>/dev/null
    wait "${pids[i]}" 2>/dev/null
  done
  rm -rf -- "$scratch"
}

# ---- 6. What install.sh says ---------------------------------------------------------------------

problem() { problems[$1]+=$2$'\n'; }
get() { printf '%s' "${fact["$1.$2"]:-}"; }
short() { printf '%s' "${1:0:12}"; }
shown() { if [ "${hosts[$1]}" = local ]; then printf 'this server'; else printf '%s' "${hosts[$1]}"; fi; }
say_each() { local line; while IFS= read -r line; do [ -z "$line" ] || say "$1$line"; done <<<"$2"; }

say_problems() {
  local i
  for i in "${!problems[@]}"; do say_each "  $(shown "$i"): " "${problems[i]}"; done
  problems=()
}

# say_warnings I BEFORE: each warning once.
say_warnings() {
  say_each "$2warning: " "${warnings[$1]:-}"
  warnings[$1]=''
}

give_up() { say "$1"; exit 1; }

# Sets behind: the servers that an install went on without and that are not named in this run.
find_behind() {
  local i host known=" ${hosts[*]} "
  behind=()
  for i in "${active[@]}"; do
    for host in $(get "$i" behind); do
      [[ $known == *" $host "* ]] || behind+=("$host")
      known+="$host "
    done
  done
}

# ---- 7. Install, roll back, uninstall ------------------------------------------------------------

change() {
  local i
  connect
  for i in "${active[@]}"; do plan "$i"; done
  leave_out
  for i in "${active[@]}"; do
    say "  $(shown "$i"): ${steps[i]:-up to date}${fact["$i.node"]:+, Node.js ${fact["$i.node"]}}"
    say_warnings "$i" '    '
    [ "$verb" != dry-run ] || say_placed "$i"
  done
  [ "$verb" != dry-run ] || { say 'Nothing was changed: this was --dry-run.'; exit 0; }
  stage_all || take_back
  if [ ${#steps[@]} -eq 0 ] && [ -z "$changed" ]; then
    remember_behind
    say "Nothing to do: ${#active[@]} server(s) have it already."
    return
  fi
  commit_all
  remember_behind
  finish
}

# What --dry-run says of secrets and configuration, without their content.
say_placed() {
  local i=$1 given
  [ "$(get "$i" link)" != missing ] || say "    $link_dir/$entry: would lead to $dir/$entry"
  [ -n "$(get "$i" secrets_dir)" ] || [ -z "$secrets_dir${secrets[*]}" ] || say '    /etc/outrigger/secrets: would be made'
  for given in "${secrets[@]}"; do say_file "$i" "secrets/${given%%=*}" "${given#*=}"; done
  for given in "${drivers[@]}"; do say_file "$i" "drivers/${given%%=*}" "${given#*=}"; done
  [ -z "$config" ] || say_file "$i" config.json "$config"
}

say_file() {
  local there
  there=$(get "$1" "secret.$2")
  case $there in
    '') say "    /etc/outrigger/$2: would be placed" ;;
    "$(srv_salted "$3")") say "    /etc/outrigger/$2: is there already" ;;
    *) say "    /etc/outrigger/$2: would replace another content" ;;
  esac
}

# Goes on without the servers that have a problem where --allow-down permits it; else ends the run.
leave_out() {
  local i bad=("${!problems[@]}") refused=''
  say_problems
  for i in "${bad[@]}"; do
    unset 'active[i]' 'steps[i]'
    if [[ " ${allowed[*]} " != *" ${hosts[i]} "* ]]; then refused=1; continue; fi
    say "  $(shown "$i"): left out, as --allow-down says; an install has to reach it later"
    skipped+=("${hosts[i]}")
  done
  [ -z "$refused" ] || give_up 'Nothing was changed on any server.'
  [ ${#active[@]} -gt 0 ] || give_up 'No server is left.'
}

# The plans set steps[I], what has to happen on a server in words, or note a problem that forbids it.
plan() {
  if [ "$(get "$1" state)" = obstacle ]; then
    problem "$1" "$dir/$entry is there, but is a directory, a link or something else that is no plain file: move it away"
  else
    "plan_${verb/dry-run/install}" "$1"
  fi
  [ "$(get "$1" link)" != other ] ||
    problem "$1" "$link_dir/$entry is there and does not lead to $dir/$entry: move it away, or --uninstall --name it where it is a copy of Outrigger"
}

plan_install() {
  local i=$1
  case $(get "$i" state) in
    absent)
      steps[i]=new
      [ -z "$replace" ] || [ -n "$(get "$i" replaced)" ] ||
        problem "$i" "there is no $replace to take the place of${fact["$i.namesake"]:+, but a directory ${fact["$i.namesake"]}: the case of its name counts}" ;;
    foreign) problem "$i" "$dir/$entry is there and is not Outrigger: move it away, or use --replace $dir/$entry if Outrigger is to take its place" ;;
    builtin) steps[i]='takes the place of the built-in script' ;;
    rewritten) steps[i]='replaces what another program (an upgrade of CloudStack?) has put there' ;;
    modified) steps[i]='replaces a file that was changed by hand; a copy is kept' ;;
    intact)
      if [ "$(get "$i" sha)" != "$want_sha" ]; then
        steps[i]="replaces $(get "$i" version) ($(short "$(get "$i" content)"))"
      elif [ "$(get "$i" owner_mode)" != 'cloud:cloud 755' ]; then
        steps[i]="mends owner and mode ($(get "$i" owner_mode))"
      fi ;;
  esac
}

plan_rollback() {
  local i=$1 previous
  previous=$(get "$i" previous)
  want_sha=${want_sha:-$previous}
  if [ -z "$previous" ]; then
    problem "$i" "no version before is kept there; $(way_without_previous)"
  elif [ "$previous" != "$want_sha" ]; then
    problem "$i" 'the version before is not the same as on the servers above: install the version you want instead'
  else
    steps[i]="goes back from $(get "$i" version) ($(short "$(get "$i" content)"))"
  fi
}

# A server that never had another version cannot go back, but it can get the version of one that can.
way_without_previous() {
  local i
  for i in "${active[@]}"; do
    [ -n "$(get "$i" previous)" ] || continue
    printf '%s' "bring all servers to the one that $(shown "$i") keeps: copy /var/lib/outrigger/$dir/$entry/previous from there (as root) and install it with --file"
    return
  done
  printf '%s' '--uninstall undoes a first install'
}

plan_uninstall() {
  local i=$1 taken
  taken=$(get "$i" taken)
  case $(get "$i" state) in
    absent)
      if [ -n "$(get "$i" installed)" ]; then steps[i]='has no file any more; removes its notes about Outrigger'
      elif [ -n "$taken" ]; then problem "$i" "Outrigger is not at $dir/$entry there, but has taken the place of $taken: use --uninstall --replace $taken"
      fi ;;
    foreign) problem "$i" "$dir/$entry is not Outrigger: left alone" ;;
    rewritten | builtin) steps[i]='keeps the script that is there; removes its notes about Outrigger' ;;
    *) if [ -n "$(get "$i" replaced)" ]; then steps[i]='restores the built-in script'; else steps[i]='removes the file'; fi ;;
  esac
}

# Sends everything to the servers that need it; nothing is in place yet.
stage_all() {
  local i given
  for i in "${!steps[@]}"; do
    case $verb in
      install) put "$i" entry "$source" ;;
      rollback) ask "$i" '' 'put previous' ;;
      uninstall) ask "$i" '' remove ;;
    esac || return
  done
  for i in "${active[@]}"; do
    if [ -n "$link_dir" ]; then
      if [ "$verb" = uninstall ]; then ask "$i" '' unlink || return; else ask "$i" '' link || return; fi
    fi
    [ -z "$secrets_dir" ] || ask "$i" '' secrets_dir || return
    for given in "${secrets[@]}"; do put "$i" "secrets/${given%%=*}" "${given#*=}" || return; done
    for given in "${drivers[@]}"; do put "$i" "drivers/${given%%=*}" "${given#*=}" || return; done
    [ -z "$config" ] || put "$i" config.json "$config" || return
  done
}

# put I WHAT FILE
put() { ask "$1" "$3" "put $2 $(srv_sha "$3")"; }

commit_all() {
  committing=1
  all commit || take_back
  # The first server that keeps its change cannot put it back any more, so a failure ends in words.
  all keep && return
  say_problems
  say 'These servers may have put themselves back to the version before: run this again.'
  exit 3
}

# Ends a run that failed: every server puts back what it has changed.
take_back() {
  say_problems
  all undo && give_up 'Everything was put back: every server is as it was before.'
  [ -n "$committing" ] || give_up 'Nothing was changed on any server.'
  say_problems
  say 'Some servers may not be as they were before, see above. A server that lost its session puts itself'
  say 'back. Look at all servers with --check, and run this again.'
  exit 3
}

# Ends a run at a signal. close_sessions runs at exit, and the servers put back what they do not keep.
stopped() {
  complain 'stopped: every server puts itself back, unless the run was at its very end; see --check'
  if [ -n "$committing" ]; then exit 3; else exit 1; fi
}

# Notes on the servers that are up to date which others are not, for --check.
remember_behind() {
  [ "$verb" = install ] || return 0
  find_behind
  all "behind ${skipped[*]} ${behind[*]}" && return
  say_problems
  say '  warning: --check on these servers will not know which servers were left out'
}

finish() {
  local where=/usr/share/cloudstack-management/extensions/$dir/$entry i
  for i in "${active[@]}"; do say_warnings "$i" "  $(shown "$i"): "; done
  case $verb in
    install) say "Done: $where is the same on ${#active[@]} server(s), $(short "$want_content")." ;;
    rollback) say "Done: ${#steps[@]} server(s) are back at $(short "$(get "$i" content)"); --rollback again undoes this." ;;
    uninstall) say "Done: $where is no longer Outrigger. /etc/outrigger and the log were left alone." ;;
  esac
  [ ${#skipped[@]} -eq 0 ] || say "Still to do: ${skipped[*]}. --check stays red until then."
}

ask_for_force() {
  if [ -n "$replace" ]; then
    say "This would put the built-in script back as $replace on ${#hosts[@]} server(s). CloudStack calls it from the"
    say 'next call on, for the same instances, which keep running. The script ignores marks: run "outrigger audit"'
    say 'first. Custom actions that "outrigger register" has added stay in CloudStack and fail with the script:'
    say "  cmk list customactions extensionid=ID    # and delete customaction id=ID"
    say 'Then run this with --force.'
    exit 2
  fi
  say "This would remove $dir/$entry from ${#hosts[@]} server(s). CloudStack must no longer use it. Check first:"
  say "  cmk list extensions name=\"${name:-$dir}\" details=all    # no clusters, no custom actions; or: outrigger register --remove"
  say '  cmk list virtualmachines hypervisor=External listall=true  # none of this extension left'
  say 'deleteExtension with cleanup=true deletes the whole directory by itself. Then run this with --force.'
  exit 2
}

# ---- 8. Check ------------------------------------------------------------------------------------

check() {
  local i host verdict=0 reference reference_sha reference_name behind compared comparison
  connect
  choose_reference
  compare_secrets
  [ -z "$link_dir" ] || compare_links
  table_row SERVER STATE VERSION CONTENT NODE
  for i in "${!hosts[@]}"; do check_server "$i"; done
  for i in "${!compared[@]}"; do table_row "${compared[i]}" "${comparison[i]}" '' '' ''; done
  find_behind
  for host in "${behind[@]}"; do
    table_row "$host" behind '' '' ''
    say '  was left out of the last install (--allow-down) and is not named in this run'
    worse 2
  done
  [ -z "$credentials" ] || check_registered
  case $verdict in
    0) say 'OK: all servers are the same and in order.' ;;
    1) say 'WARNING: all servers are the same, see the warnings.' ;;
    *) say 'CRITICAL: not all servers are the same and in order.' ;;
  esac
  exit "$verdict"
}

table_row() { printf '%-28s %-12s %-10s %-13s %s\n' "$@"; }
worse() { [ "$verdict" -ge "$1" ] || verdict=$1; }

# Sets what every server is compared with: the local file, else the first server that is in order.
choose_reference() {
  local i
  reference=$want_content reference_sha='' reference_name='the local file'
  [ -z "$node" ] || reference_sha=$want_sha
  for i in "${active[@]}"; do
    [ "$(get "$i" state)" = intact ] || continue
    [ -n "$reference" ] || reference=$(get "$i" content) reference_name="on $(shown "$i")"
    # Servers that have the same content may still have another Node in line 1.
    if [ "$(get "$i" content)" = "$reference" ]; then reference_sha=${reference_sha:-$(get "$i" sha)}; fi
  done
}

# Every secret has to be on every server, with the same content as on the first one that has it. Sets
# compared and comparison: a row of the table for each of them and for the configuration.
compare_secrets() {
  local keys key secret first i told
  compared=() comparison=()
  mapfile -t keys < <(printf '%s\n' "${!fact[@]}" | sed -n 's/\.secret\./ /p' | sort -n | sort -k 2 -s -u)
  for key in "${keys[@]}"; do
    first=${key%% *} secret=${key#* }
    compared+=("$secret") comparison+=(ok)
    for i in "${active[@]}"; do
      told=$(get "$i" "secret.$secret")
      if [ -z "$told" ]; then
        problem "$i" "/etc/outrigger/$secret is missing here, but another server has it"
        comparison[-1]=missing
      elif [ "$told" != "$(get "$first" "secret.$secret")" ]; then
        problem "$i" "/etc/outrigger/$secret is not the same here as on $(shown "$first")"
        [ "${comparison[-1]}" = missing ] || comparison[-1]=differs
      fi
    done
  done
}

# The same for the link of the network extension.
compare_links() {
  local i
  compared+=("$link_dir/$entry") comparison+=(ok)
  for i in "${active[@]}"; do
    case $(get "$i" link) in
      ok) continue ;;
      missing) problem "$i" "$link_dir/$entry is missing: CloudStack cannot run the network extension here" ;;
      *) problem "$i" "$link_dir/$entry does not lead to $dir/$entry" ;;
    esac
    comparison[-1]=missing
  done
}

# A row of the table, what is wrong with the server, and its warnings.
check_server() {
  local i=$1 word='' note='' state
  state=$(get "$i" state)
  case ${active[i]:+$state} in
    '') word=unreachable ;;
    absent) word=missing note="there is no $dir/$entry" ;;
    obstacle) word=obstacle note="$dir/$entry is no plain file" ;;
    foreign) word=foreign note="$dir/$entry is not Outrigger" ;;
    builtin) word=built-in note="$replace is the built-in script: Outrigger was not installed there" ;;
    rewritten) word=rewritten note="$dir/$entry was Outrigger and no longer is: an upgrade of CloudStack puts its own script back. Run install.sh again" ;;
    modified) word=modified note='the file is not as it was built: run install.sh again' ;;
    intact) check_intact "$i" ;;
  esac
  table_row "$(shown "$i")" "$word" "$(get "$i" version)" "$(short "$(get "$i" content)")" "$(get "$i" node)"
  [ "$word$note${problems[i]:-}" = ok ] || worse 2
  [ -z "${warnings[i]:-}" ] || worse 1
  say_each '  ' "$note"$'\n'"${problems[i]:-}"
  say_warnings "$i" '  '
}

# Sets word and note of check_server.
check_intact() {
  local i=$1
  if [ "$(get "$i" content)" != "$reference" ]; then
    word=differs note="not the same as $reference_name ($(short "$reference"))"
  elif [ "$(get "$i" sha)" != "$reference_sha" ]; then
    word=differs note='line 1 names another Node than on the other servers: give all of them the same --node'
  elif [ "$(get "$i" owner_mode)" != 'cloud:cloud 755' ]; then
    word=mode note="owner and mode are $(get "$i" owner_mode), not cloud:cloud 755"
  elif [ -n "$(get "$i" broken)" ]; then
    word=broken note="user cloud cannot run it: $(get "$i" broken)"
  else
    word=ok
  fi
}

# A row for what CloudStack has registered. One server that gets an answer is enough.
check_registered() {
  local i code='' word=unknown note='no server can ask it: none has a file that runs'
  for i in "${active[@]}"; do
    if [ "$(get "$i" state)" != intact ] || [ -n "$(get "$i" broken)" ]; then continue; fi
    problems=()
    if ask "$i" "$credentials" registered; then note=$(get "$i" registered); else note="? ${problems[i]}"; fi
    code=${note%% *} note="asked on $(shown "$i"): ${note#* }"
    case $code in 0 | 3) break ;; esac
  done
  case $code in 0) word=ok note='' ;; 3) word=differs ;; esac
  table_row CloudStack "$word" '' '' ''
  say_each '  ' "$note"
  [ "$word" = ok ] || worse 2
}

# ---- 9. Main -------------------------------------------------------------------------------------

main() {
  ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) || { complain 'bash 4.4 or newer is needed'; exit 2; }
  read_arguments "$@"
  check_arguments
  declare -gA fact=()
  to=() from=() pids=() problems=() warnings=() active=() steps=() skipped=()
  changed='' committing='' terminal=''
  [ ! -t 0 ] || terminal=1
  scratch=$(mktemp -d) || exit 2
  trap close_sessions EXIT
  trap stopped INT TERM HUP
  trap '' PIPE
  prepare_file
  prepare_secrets
  [ "$verb" != uninstall ] || [ -n "$force" ] || ask_for_force
  read -r salt </proc/sys/kernel/random/uuid
  read -r nonce </proc/sys/kernel/random/uuid
  if [ "$verb" = check ]; then check; else change; fi
}

main "$@"
