#!/bin/bash
# A driver for Outrigger: containers of LXC on this very server (Debian's packages lxc and jq).
#
# A record, PATH/.outrigger/NAME.json, holds a container's mark and hardware. It is made first, in one step that only
# one process can win: from then on the machine is there, with its mark, whatever becomes of lxc-create.
# LXC wants root. For user cloud: visudo -f /etc/sudoers.d/outrigger, with the line
#   cloud ALL=(root) NOPASSWD: /etc/outrigger/drivers/lxc
set -uo pipefail
[ "$EUID" = 0 ] || exec sudo -n -- "$0" "$@"
exec 3>&1 1>&2 # what the programs print goes to the log: file 3 is for the answer alone
request=$(cat)

get() { jq -r "$1 // empty" <<<"$request"; } # get FILTER: a value of the request
answer() { jq -c '{protocol: 1} + .' >&3; }  # answer: the JSON on standard input
fail() { # fail KIND SENT MESSAGE
  jq -nc --arg k "$1" --argjson s "$2" --arg m "$3" '{protocol: 1, error: {kind: $k, sent: $s, message: $m}}' >&3
  exit 1
}
must() { # must COMMAND...: its last words become the failure
  words=$("$@" 3>&- 2>&1 </dev/null) || fail unknown true "$1 failed: $(tail -n 1 <<<"$words" | cut -c 1-300)"
}

describe() {
  answer <<'JSON'
{"name": "LXC", "about": "Containers of LXC on the management server itself",
 "marks": "label", "ids": "name", "capabilities": ["shut-down"],
 "settings": {
  "path": {"about": "The folder of the containers", "default": "/var/lib/lxc", "pattern": "/[A-Za-z0-9/._-]+", "wants": "an absolute path"},
  "bridge": {"about": "The bridge of the NICs, with {vlan} for a VLAN; unset: none", "pattern": "[A-Za-z0-9{}._-]+", "wants": "a bridge"},
  "limits": {"about": "How CPUs and memory are limited", "allowed": ["cgroup2", "none"], "default": "cgroup2"},
  "allowed_templates": {"about": "Patterns of the templates that instances may choose", "type": "list", "default": "busybox"}},
 "blueprint": {
  "template": {"about": "The template of LXC", "pattern": "[a-z0-9-]{1,40}", "wants": "a name", "default": "busybox", "within": "allowed_templates"}}}
JSON
}

state_of() { # state_of NAME
  [ -e "$path/$1/config" ] || { echo off && return; }
  case $(timeout 10 lxc-info -P "$path" -n "$1" -sH 2>/dev/null </dev/null) in
    RUNNING) echo on ;; STOPPED) echo off ;; FROZEN) echo paused ;; *) echo unknown ;;
  esac
}

show() { # show NAME: the machine as JSON; fails where there certainly is none
  [ -e "$records/$1.json" ] || [ -e "$path/$1/config" ] || return 1
  { cat "$records/$1.json" 2>/dev/null || echo '{"mark": null}'; } |
    jq -c --arg id "$1" --arg state "$(state_of "$1")" '{id: $id, name: $id, state: $state} + .'
}

list() {
  [ -d "$path" ] || fail denied false "there is no folder $path, so that no list is complete"
  for file in "$records"/*.json "$path"/*/config; do
    file=${file#"$records"/} file=${file#"$path"/} file=${file%.json} && echo "${file%/config}"
  done | sort -u | while read -r name; do show "$name" || true; done | jq -sc '{machines: ., complete: true}' | answer
}

hardware() { # the CPUs, memory and NICs that the instance of the request has now
  jq -c '.instance | {cpus, memoryBytes, nics: [.nics[] | {mac, vlan: (.vlan // "untagged")}]}' <<<"$request"
}

write_config() { # write_config NAME: the hardware of the record in LXC's words
  jq -r --arg bridge "$(get .settings.bridge)" --arg limits "$(get .settings.limits)" '
    (.nics | to_entries[] | "lxc.net.\(.key).hwaddr = \(.value.mac)",
      if $bridge == "" then "lxc.net.\(.key).type = empty"
      else "lxc.net.\(.key).type = veth", "lxc.net.\(.key).flags = up",
        "lxc.net.\(.key).link = \($bridge | sub("\\{vlan\\}"; "\(.value.vlan // "")"))" end),
    if $limits == "cgroup2" then "lxc.cgroup2.memory.max = \(.memoryBytes)", "lxc.cgroup2.cpu.max = \(.cpus * 100000) 100000"
    else empty end' "$records/$1.json" >"$records/$1.conf"
}

change_record() { # change_record NAME JSON: in one step
  jq -c --argjson more "$2" '. + $more' "$records/$1.json" >"$records/$1.new" && mv "$records/$1.new" "$records/$1.json"
}

refuse_networks() {
  jq -e --arg bridge "$(get .settings.bridge)" 'all(.instance.nics[]?; .segment == "untagged" or
    (.segment == "vlan" and ($bridge == "" or ($bridge | contains("{vlan}")))))' <<<"$request" >/dev/null ||
    fail invalid false "a NIC is on a network that the setting \"bridge\" does not map"
}

make() {
  name=$(get .name)
  refuse_networks
  mkdir -p "$records"
  [ ! -e "$path/$name" ] || [ -e "$records/$name.json" ] || fail in-use false "there is a container $name already"
  hardware | jq -c --arg m "$(get .mark)" '. + {mark: $m}' >"$records/$name.$$"
  ln -T "$records/$name.$$" "$records/$name.json" || taken=1 # a link is made in one step, and once
  rm -f "$records/$name.$$"
  [ -z "${taken-}" ] || fail in-use false "there is a machine $name already"
  write_config "$name"
  must lxc-create -P "$path" -n "$name" -t "$(get .blueprint.template)" -f /dev/null
  echo "lxc.include = $records/$name.conf" >>"$path/$name/config"
  jq -nc --arg id "$name" '{id: $id}' | answer
}

power_on() {
  if [ "$(state_of "$id")" = off ]; then
    refuse_networks
    [ -z "$(get .instance.cpus)" ] || { change_record "$id" "$(hardware)" && write_config "$id"; }
    must lxc-start -P "$path" -n "$id" -d
  fi
  answer <<<'{}'
}

destroy() {
  [ "$(state_of "$id")" = off ] || must lxc-stop -P "$path" -n "$id" -k
  [ ! -e "$path/$id" ] || lxc-destroy -P "$path" -n "$id" </dev/null || must rm -rf -- "$path/$id"
  must rm -f -- "$records/$id.conf" "$records/$id.json" # last: until here the machine can be seen
  answer <<<'{}'
}

write_mark() {
  now=$(show "$id") || fail missing false "there is no container $id"
  [ "$(jq -r '.mark // empty' <<<"$now")" = "$(get .expected)" ] || { answer <<<'{"lost": true}' && return; }
  mkdir -p "$records" && [ -e "$records/$id.json" ] || echo '{"cpus": 1, "memoryBytes": 0, "nics": []}' >"$records/$id.json"
  change_record "$id" "$(jq -c '{mark}' <<<"$request")" || fail unknown true "the record of $id cannot be written"
  answer <<<'{}'
}

shopt -s nullglob
path=$(get .settings.path) records=$path/.outrigger id=$(get .machine.id)
case ${1-} in
  describe) describe ;; list) list ;; make) make ;; destroy) destroy ;;
  get) show "$(get .id)" | jq -c '{machine: .}' | answer || fail missing false "there is no container $(get .id)" ;;
  power-on) power_on ;;
  shut-down) timeout 5 lxc-stop -P "$path" -n "$id" --nokill -t 2 </dev/null; answer <<<'{}' ;;
  cut-power) [ "$(state_of "$id")" = off ] || must lxc-stop -P "$path" -n "$id" -k; answer <<<'{}' ;;
  write-mark) write_mark ;;
  *) fail invalid false "no primitive ${1-}" ;;
esac
